import { DataSourceVariable, QueryVariable, SceneVariableSet } from '@grafana/scenes';
import type { Variable } from './dashboard';
import { prometheusUid } from './datasources';

/** The variables with the requested values, or with all values by default. */
export function buildVariables(variables: Variable[], values: Record<string, string[]>): SceneVariableSet {
  for (const name of Object.keys(values)) {
    if (!variables.some((variable) => variable.name === name)) {
      throw new Error(`there is no variable ${name}`);
    }
  }
  return new SceneVariableSet({ variables: variables.map((variable) => build(variable, values[variable.name])) });
}

function build(variable: Variable, value?: string[]) {
  const { type, name, label, hide } = variable;
  switch (type) {
    case 'datasource':
      return new DataSourceVariable({ name, label, hide, pluginId: 'prometheus', value: prometheusUid });
    case 'query':
      return new QueryVariable({
        name,
        label,
        hide,
        query: variable.query.query,
        datasource: variable.datasource,
        sort: variable.sort,
        refresh: variable.refresh,
        isMulti: variable.multi,
        includeAll: variable.includeAll,
        allValue: variable.allValue,
        defaultToAll: !value,
        value: value ?? '',
        text: value ?? '',
      });
    default:
      throw new Error(`variable ${name}: the renderer has no variables of the type ${type satisfies never}`);
  }
}
