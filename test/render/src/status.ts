// The state of variables, annotations and panels.
import { LoadingState, type PanelData } from '@grafana/data';
import type { dataLayers, QueryVariable, VizPanel } from '@grafana/scenes';

export interface Status {
  name: string;
  isWaiting: boolean;
  failures: string[];
}

/** If a variable does not have the requested value, @grafana/scenes ignores the value and shows all. */
export function variableStatus({ state }: QueryVariable, asked: string[] = []): Status {
  const has = (value: string) => state.options.some((option) => option.value === value);
  const failures = asked.filter((value) => !has(value)).map((value) => `it has no value ${value}`);
  if (state.error) {
    failures.push(String(state.error));
  } else if (state.options.length === 0) {
    failures.push('it has no values');
  }
  return { name: `variable ${state.name}`, isWaiting: state.loading === true, failures };
}

/** A query's error is reported with the query. */
export function annotationStatus({ state }: dataLayers.AnnotationsDataLayer): Status {
  const failures = state.data?.state === LoadingState.Error ? ['no answer'] : [];
  return { name: `annotation ${state.name}`, isWaiting: !isOver(state.data), failures };
}

export function panelStatus(panel: VizPanel, allowNoData: string[]): Status {
  const { title, pluginId, $data, _pluginLoadError } = panel.state;
  const name = `panel ${title} (${pluginId})`;
  if (_pluginLoadError) {
    return { name, isWaiting: false, failures: [_pluginLoadError] };
  }
  const data = $data?.state.data;
  const failures = (data?.errors ?? []).map(({ message }) => String(message));
  if (data?.state === LoadingState.Done && isEmpty(data) && !allowNoData.some((one) => new RegExp(one).test(title))) {
    failures.push('no data');
  }
  // Data alone may come from the annotations' queries, before the panel's own queries have started.
  return { name, isWaiting: !isOver(data) || !$data?.isDataReadyToDisplay?.(), failures };
}

const isOver = (data?: PanelData) => data?.state === LoadingState.Done || data?.state === LoadingState.Error;

/** NaN is not visible as a value; a table row is visible even without a number. */
function isEmpty({ series }: PanelData): boolean {
  const values = series.flatMap(({ fields }) => fields.flatMap((field) => (field.type === 'time' ? [] : field.values)));
  return values.every((value) => value === null || Number.isNaN(value));
}
