import { dataLayers, QueryVariable, sceneGraph, SceneGridRow, VizPanel, type SceneObject } from '@grafana/scenes';
import { queries } from './api';
import type { Order, Report } from './order';
import { annotationStatus, panelStatus, variableStatus } from './status';
import { brokenLinks, cutTitles } from './titles';
import { unknownIn } from './unknown';

/** The requests that the scene still waits for, and its problems. */
export function report({ dashboard, values, allowNoData }: Order, scene: SceneObject): Report {
  const panels = all(scene, VizPanel).filter(isShown);
  const parts = [
    ...all(scene, QueryVariable).map((variable) => variableStatus(variable, values[variable.state.name])),
    ...all(scene, dataLayers.AnnotationsDataLayer).map(annotationStatus),
    ...panels.map((panel) => panelStatus(panel, allowNoData)),
  ];
  return {
    waiting: parts.filter(({ isWaiting }) => isWaiting).map(({ name }) => name),
    failures: [
      ...unknownIn(dashboard),
      ...parts.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`)),
      ...queries.flatMap(({ query, error }) => (error ? `query ${query}: ${error}` : [])),
      ...cutTitles().map((title) => `title cut off: ${title}`),
      ...brokenLinks().map((link) => `link with an empty variable: ${link}`),
    ],
    panels: panels.length,
    queries: queries.length,
    height: Math.ceil(document.querySelector('#dashboard')?.getBoundingClientRect().bottom ?? 0),
  };
}

function all<Part extends SceneObject>(scene: SceneObject, kind: new (state: never) => Part): Part[] {
  return sceneGraph.findAllObjects(scene, () => true).flatMap((part) => (part instanceof kind ? [part] : []));
}

function isShown(panel: VizPanel): boolean {
  const row = panel.parent?.parent;
  return !(row instanceof SceneGridRow && row.state.isCollapsed);
}
