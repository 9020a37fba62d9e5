import {
  SceneDataTransformer,
  SceneGridItem,
  SceneGridLayout,
  SceneGridRow,
  SceneQueryRunner,
  VizPanel,
} from '@grafana/scenes';
import type { Dashboard, Panel, Row } from './dashboard';

/** Places the rows one below the other, as Grafana does when rows are opened and closed. */
export function buildLayout(panels: Dashboard['panels'], expandRows: boolean): SceneGridLayout {
  const children: SceneGridRow[] = [];
  let y = 0;
  for (const { row, inside } of byRow(panels)) {
    const isCollapsed = row.collapsed && !expandRows;
    const top = Math.min(...inside.map(({ gridPos }) => gridPos.y));
    const bottom = Math.max(...inside.map(({ gridPos }) => gridPos.y + gridPos.h));
    const items = inside.map((panel) => buildItem(panel, y + 1 - top));
    children.push(new SceneGridRow({ key: `row-${row.id}`, title: row.title, isCollapsed, x: 0, y, children: items }));
    y += 1 + (isCollapsed ? 0 : bottom - top);
  }
  return new SceneGridLayout({ children, isDraggable: false, isLazy: false });
}

function byRow(panels: Dashboard['panels']): Array<{ row: Row; inside: Panel[] }> {
  const rows: Array<{ row: Row; inside: Panel[] }> = [];
  for (const panel of panels) {
    if (panel.type === 'row') {
      rows.push({ row: panel, inside: [...panel.panels] });
      continue;
    }
    const last = rows.at(-1);
    if (!last) {
      throw new Error(`panel ${panel.title} is above the first row`);
    }
    last.inside.push(panel);
  }
  return rows;
}

function buildItem(panel: Panel, down: number): SceneGridItem {
  const { x, y, w: width, h: height } = panel.gridPos;
  return new SceneGridItem({ key: `item-${panel.id}`, x, y: y + down, width, height, body: buildPanel(panel) });
}

function buildPanel({ id, title, description, type, options, fieldConfig, ...query }: Panel): VizPanel {
  if (query.targets.length === 0) {
    throw new Error(`panel ${title} has no query`);
  }
  return new VizPanel({
    key: `panel-${id}`,
    title,
    description,
    pluginId: type,
    options,
    fieldConfig,
    $data: new SceneDataTransformer({
      transformations: query.transformations ?? [],
      $data: new SceneQueryRunner({
        queries: query.targets,
        datasource: query.datasource,
        maxDataPoints: query.maxDataPoints,
        maxDataPointsFromWidth: query.maxDataPoints === undefined,
        minInterval: query.interval,
      }),
    }),
  });
}
