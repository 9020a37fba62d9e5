// Converts a dashboard's JSON to objects of @grafana/scenes.
import {
  behaviors,
  dataLayers,
  EmbeddedScene,
  SceneControlsSpacer,
  SceneDataLayerControls,
  SceneDataLayerSet,
  SceneReactObject,
  SceneRefreshPicker,
  SceneTimePicker,
  SceneTimeRange,
  VariableValueSelectors,
} from '@grafana/scenes';
import type { Dashboard } from './dashboard';
import { buildLayout } from './layout';
import { Links } from './links';
import type { Order } from './order';
import { buildVariables } from './variables';

export function buildScene(order: Order): EmbeddedScene {
  const { dashboard } = order;
  const scene = new EmbeddedScene({
    $variables: buildVariables(dashboard.templating.list, order.values),
    $timeRange: new SceneTimeRange({ from: time(order.from), to: time(order.to), timeZone: dashboard.timezone }),
    $data: buildAnnotations(dashboard),
    $behaviors: [new behaviors.CursorSync({ sync: dashboard.graphTooltip })],
    controls: [
      new VariableValueSelectors({}),
      new SceneDataLayerControls(),
      new SceneReactObject({ component: () => <Links links={dashboard.links} /> }),
      new SceneControlsSpacer(),
      new SceneTimePicker({ isOnCanvas: true }),
      new SceneRefreshPicker({ isOnCanvas: true, refresh: dashboard.refresh }),
    ],
    body: buildLayout(dashboard.panels, order.expandRows),
  });
  window.__grafanaSceneContext = scene;
  return scene;
}

const time = (text: string) => (/^\d+$/.test(text) ? new Date(Number(text)).toISOString() : text);

function buildAnnotations(dashboard: Dashboard): SceneDataLayerSet {
  const layers = dashboard.annotations.list.map(
    (query, i) => new dataLayers.AnnotationsDataLayer({ key: `annotation-${i}`, name: query.name, query })
  );
  return new SceneDataLayerSet({ name: layers.map((layer) => layer.state.name).join(', '), layers });
}
