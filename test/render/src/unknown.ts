import { standardTransformersRegistry } from '@grafana/data';
import type { Dashboard, Panel } from './dashboard';
import { plugins } from './panels/plugins';

/** What Grafana's libraries would pass over, and so draw something else, since it is not registered here. */
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
