import { standardTransformersRegistry } from '@grafana/data';
import type { Dashboard, Panel } from './dashboard';
import { plugins } from './panels/plugins';

/** Everything that is not registered here: Grafana's libraries would ignore it and draw something else. */
export function unknownIn({ panels }: Dashboard): string[] {
  return panels
    .flatMap((panel) => (panel.type === 'row' ? panel.panels : panel))
    .flatMap((panel) => [...options(panel), ...transformations(panel)].map((what) => `panel ${panel.title}: ${what}`));
}

function options({ type, fieldConfig: { defaults, overrides } }: Panel): string[] {
  const known = plugins[type]?.fieldConfigRegistry;
  const used = [
    ...Object.keys(defaults).filter((id) => id !== 'custom'),
    ...Object.keys(defaults.custom ?? {}).map((id) => `custom.${id}`),
    ...overrides.flatMap(({ properties }) => properties.map(({ id }) => id)),
  ];
  return used.filter((id) => known && !known.getIfExists(id)).map((id) => `the renderer has no option ${id}`);
}

function transformations({ transformations = [] }: Panel): string[] {
  return transformations
    .filter(({ id }) => !standardTransformersRegistry.getIfExists(id))
    .map(({ id }) => `the renderer has no transformation ${id}`);
}
