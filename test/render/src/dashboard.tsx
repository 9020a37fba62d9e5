// Grafana dashboard JSON (classic v1 model) -> @grafana/scenes objects.
import React from 'react';
import { DataSourceVariable, QueryVariable, EmbeddedScene, SceneControlsSpacer, SceneDataTransformer, SceneGridItem, SceneGridLayout, SceneGridRow,
  SceneQueryRunner, SceneRefreshPicker, SceneTimePicker, SceneTimeRange, SceneVariableSet, VariableValueSelectors, VizPanel,
  SceneReactObject, SceneObject, behaviors, dataLayers, SceneDataLayerSet, SceneDataLayerControls, sceneGraph } from '@grafana/scenes';
import { LoadingState } from '@grafana/data';
import { LinkButton, useStyles2, Icon } from '@grafana/ui';
import { css } from '@emotion/css';
import { badDatasourceRefs, PROM_UID } from './env';

type Json = any;
const ALL = '$__all';

function variable(v: Json, overrides: Record<string, string[]>): SceneObject | undefined {
  const common: any = {
    name: v.name, label: v.label, description: v.description ?? null,
    hide: v.hide ?? 0, skipUrlSync: true,
  };
  let value = v.current?.value, text = v.current?.text;
  if (overrides[v.name]) {
    value = v.multi || overrides[v.name].length > 1 ? overrides[v.name] : overrides[v.name][0];
    text = value;
  }
  const multi = { isMulti: !!v.multi, includeAll: !!v.includeAll, allValue: v.allValue || undefined, defaultToAll: !!v.includeAll && (value === undefined || value === ALL || value?.[0] === ALL) };
  switch (v.type) {
    case 'datasource':
      return new DataSourceVariable({ ...common, pluginId: v.query, regex: v.regex ?? '', ...multi, value: overrides[v.name]?.[0] ?? PROM_UID, text: 'Prometheus' });
    case 'query':
      return new QueryVariable({ ...common, ...multi, query: v.query, datasource: v.datasource, sort: v.sort, refresh: v.refresh, regex: v.regex ?? '', value: value ?? '', text: text ?? '' });
    default:
      problems.push(`variable ${v.name}: type ${v.type} not supported`);
      return undefined;
  }
}
const problems: string[] = [];

function vizPanel(p: Json, key: string): VizPanel {
  let $data: any;
  const targets = (p.targets ?? []).filter((t: Json) => !t.hide);
  if (targets.length) {
    $data = new SceneQueryRunner({
      queries: targets.map((t: Json) => ({ ...t, datasource: t.datasource ?? p.datasource })),
      datasource: p.datasource ?? undefined,
      maxDataPoints: p.maxDataPoints ?? undefined,
      maxDataPointsFromWidth: true,
      minInterval: p.interval,
      queryCachingTTL: p.queryCachingTTL,
    });
    $data = new SceneDataTransformer({ $data, transformations: p.transformations ?? [] });
  }
  let $timeRange: any;
  if (p.timeFrom) {
    $timeRange = new SceneTimeRange({ from: `now-${p.timeFrom}`, to: 'now' });
  }
  return new VizPanel({
    key, title: p.title ?? '', description: p.description, pluginId: p.type, pluginVersion: p.pluginVersion,
    options: p.options ?? {}, fieldConfig: p.fieldConfig ?? { defaults: {}, overrides: [] },
    displayMode: p.transparent ? 'transparent' : undefined, hoverHeader: !p.title && !p.timeFrom,
    $data, ...( $timeRange ? { $timeRange } : {}),
  } as any);
}

const height = (items: SceneObject[]) => items.reduce((m, i: any) => Math.max(m, i.state.y + i.state.height), 0);

function gridItems(panels: Json[]): SceneGridItem[] {
  return panels.map((p) => new SceneGridItem({
    key: `item-${p.id}`, x: p.gridPos.x, y: p.gridPos.y, width: p.gridPos.w, height: p.gridPos.h, isDraggable: false, isResizable: false,
    body: vizPanel(p, `panel-${p.id}`),
  }));
}

// layout lays the rows out one below the other, as Grafana does when rows are opened and closed.
function layout(d: Json, expandRows: boolean): SceneGridLayout {
  const groups: Array<{ row: Json; panels: Json[] }> = [];
  for (const p of d.panels) {
    if (p.type === 'row') {
      groups.push({ row: p, panels: [...(p.panels ?? [])] });
    } else {
      groups[groups.length - 1].panels.push(p);
    }
  }
  const children: SceneObject[] = [];
  let y = 0;
  for (const { row, panels } of groups) {
    const top = Math.min(...panels.map((p) => p.gridPos.y));
    const items = gridItems(panels.map((p) => ({ ...p, gridPos: { ...p.gridPos, y: p.gridPos.y - top + y + 1 } })));
    const isCollapsed = !!row.collapsed && !expandRows;
    children.push(new SceneGridRow({ key: `row-${row.id}`, title: row.title, isCollapsed, x: 0, y, children: items }));
    y = isCollapsed ? y + 1 : height(items);
  }
  return new SceneGridLayout({ children: children as any, isLazy: false, isDraggable: false });
}

export async function start(d: Json, params: URLSearchParams) {
  const overrides: Record<string, string[]> = {};
  params.forEach((v, k) => { if (k.startsWith('var-')) { (overrides[k.slice(4)] ??= []).push(v); } });
  const vars = new SceneVariableSet({ variables: (d.templating?.list ?? []).map((v: Json) => variable(v, overrides)).filter(Boolean) });
  const at = (v: string | null) => (v && /^\d+$/.test(v) ? new Date(+v).toISOString() : v); // epoch ms, as in a Grafana URL
  const $timeRange = new SceneTimeRange({ from: at(params.get('from')) || d.time?.from || 'now-6h', to: at(params.get('to')) || d.time?.to || 'now', timeZone: params.get('timezone') || (d.timezone && d.timezone !== 'browser' ? d.timezone : 'utc') });
  const annos = (d.annotations?.list ?? []).filter((a: Json) => a.datasource?.uid !== '-- Grafana --' && a.builtIn !== 1);
  const layers = annos.map((a: Json, i: number) => new dataLayers.AnnotationsDataLayer({ key: `anno-${i}`, name: a.name, query: a, isEnabled: a.enable !== false, isHidden: !!a.hide }));
  const scene = new EmbeddedScene({
    $variables: vars, $timeRange,
    ...(layers.length ? { $data: new SceneDataLayerSet({ name: layers.map((l: any) => l.state.name).join(', '), layers }) } : {}),
    $behaviors: [new behaviors.CursorSync({ sync: d.graphTooltip ?? 0 })],
    controls: [
      new VariableValueSelectors({}),
      new SceneDataLayerControls(),
      ...(d.links?.length ? [new SceneReactObject({ component: () => <Links links={d.links} /> })] : []),
      new SceneControlsSpacer(),
      new SceneTimePicker({ isOnCanvas: true }),
      new SceneRefreshPicker({ isOnCanvas: true, refresh: d.refresh || undefined }),
    ] as any,
    body: new SceneGridLayout({ children: [] }),
  });
  (window as any).__scene = scene;
  (window as any).__grafanaSceneContext = scene;
  scene.activate();
  // variables first: repeats need their values
  await waitFor(() => vars.state.variables.every((v: any) => !vars.isVariableLoadingOrWaitingToUpdate(v)), 15000, 'variables');
  scene.setState({ body: layout(d, params.get('expandRows') === '1') });
  (window as any).__report = () => report(d, scene, vars, layers);
  return { d, scene };
}

async function waitFor(fn: () => boolean, ms: number, what: string) {
  const t0 = Date.now();
  while (!fn()) {
    if (Date.now() - t0 > ms) { problems.push(`timed out waiting for ${what}`); return; }
    await new Promise((r) => setTimeout(r, 50));
  }
}

function report(d: Json, scene: EmbeddedScene, vars: SceneVariableSet, layers: any[]) {
  const panels = sceneGraph.findAllObjects(scene, (o) => o instanceof VizPanel).map((o) => {
    const p = o as VizPanel;
    const data: any = (p.state.$data as any)?.state?.data;
    const series: any[] = data?.series ?? [];
    let numbers = 0, rows = 0;
    for (const f of series) {
      rows += f.length;
      for (const fl of f.fields) { if (fl.type === 'number') { for (const v of fl.values) { if (v !== null && !Number.isNaN(v)) { numbers++; } } } }
    }
    const row = p.parent?.parent instanceof SceneGridRow ? (p.parent.parent as SceneGridRow) : undefined;
    return {
      key: p.state.key, title: p.interpolate(p.state.title, undefined, 'text'), type: p.state.pluginId, row: row ? sceneGraph.interpolate(row, row.state.title, undefined, 'text') : undefined,
      collapsed: !!row?.state.isCollapsed, hasQuery: !!p.state.$data, active: p.isActive,
      state: data?.state ?? (p.state.$data ? 'NotStarted' : 'NoQuery'), frames: series.length, rows, numbers,
      errors: [...(data?.errors ?? []).map((e: any) => e.message), ...(p.state._pluginLoadError ? [p.state._pluginLoadError] : [])],
      queries: series.map((f) => f.meta?.executedQueryString).filter((x, i, a) => x && a.indexOf(x) === i),
    };
  });
  const shown = panels.filter((p) => !p.collapsed);
  return {
    title: d.title, uid: d.uid, schemaVersion: d.schemaVersion,
    variables: vars.state.variables.map((v: any) => ({ name: v.state.name, type: v.state.type, label: v.state.label, value: v.state.value ?? null, text: v.getValueText?.(), options: v.state.options?.length, error: v.state.error ? String(v.state.error?.message ?? v.state.error) : undefined })),
    annotations: layers.map((l) => ({ name: l.state.name, events: l.state.data?.series?.[0]?.length ?? 0, state: l.state.data?.state })),
    panels, problems, badDatasourceRefs: [...new Set(badDatasourceRefs)],
    settled: shown.every((p) => !p.hasQuery || p.state === LoadingState.Done || p.state === LoadingState.Error),
  };
}

function Links({ links }: { links: Json[] }) {
  const s = useStyles2(() => css({ display: 'flex', gap: 8 }));
  return <div className={s}>{links.map((l, i) => (
    <LinkButton key={i} size="sm" variant="secondary" fill="outline" href={l.url || '#'} icon={l.type === 'dashboards' ? 'apps' : 'external-link-alt'} target={l.targetBlank ? '_blank' : undefined}>{l.title || (l.tags ?? []).join(', ')}</LinkButton>
  ))}</div>;
}

export function DashboardPage({ model }: { model: { d: Json; scene: EmbeddedScene } }) {
  const { d, scene } = model;
  const s = useStyles2((theme) => ({
    page: css({ background: theme.colors.background.canvas, minHeight: '100vh', color: theme.colors.text.primary }),
    nav: css({ display: 'flex', alignItems: 'center', gap: 8, height: 40, padding: '0 16px', background: theme.colors.background.primary, borderBottom: `1px solid ${theme.colors.border.weak}`, fontSize: 14 }),
    tags: css({ color: theme.colors.text.secondary, fontSize: 12, marginLeft: 8 }),
    body: css({ padding: 16, display: 'flex', flexDirection: 'column' }),
  }));
  return (
    <div className={s.page}>
      <div className={s.nav}><Icon name="apps" /><span>Dashboards</span><Icon name="angle-right" /><strong>{d.title}</strong><span className={s.tags}>{(d.tags ?? []).join(' · ')}</span></div>
      <div className={s.body} id="dash"><scene.Component model={scene} /></div>
    </div>
  );
}
