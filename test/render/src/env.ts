// Stand-ins for what Grafana core injects into @grafana/runtime and @grafana/data at boot.
import { EventBusSrv, getDefaultTimeRange, LoadingState, PanelData, standardEditorsRegistry,
  standardFieldConfigEditorRegistry, standardTransformers, standardTransformersRegistry,
  identityOverrideProcessor, unitOverrideProcessor, numberOverrideProcessor, displayNameOverrideProcessor,
  thresholdsOverrideProcessor, valueMappingsOverrideProcessor, dataLinksOverrideProcessor,
  booleanOverrideProcessor, ThresholdsMode, toDataFrame } from '@grafana/data';
import { setAppEvents, setBackendSrv, setDataSourceSrv, setEchoSrv, setPluginImportUtils, setRunRequest,
  setTemplateSrv, config, toDataQueryError, setChromeHeaderHeightHook, setReturnToPreviousHook, setPluginLinksHook, setPluginComponentsHook } from '@grafana/runtime';
import { sceneGraph } from '@grafana/scenes';
import { catchError, map, of, startWith, from } from 'rxjs';
import { PrometheusShim } from './datasource';

setAppEvents(new EventBusSrv());
setEchoSrv({ addBackend() {}, addEvent() {}, flush() {} } as any);
setBackendSrv({
  get: async () => ({}), post: async () => ({}), put: async () => ({}), delete: async () => ({}),
  fetch: () => of({ data: {} }), datasourceRequest: async () => ({ data: {} }),
} as any);
setChromeHeaderHeightHook?.(() => 0);
setReturnToPreviousHook?.(() => () => {});
setPluginLinksHook?.(() => ({ isLoading: false, links: [] }) as any);
setPluginComponentsHook?.(() => ({ isLoading: false, components: [] }) as any);

// template variables outside a scene object: resolve against the active scene
setTemplateSrv({
  getVariables: () => [],
  replace: (s?: string, scoped?: any, fmt?: any) => {
    const scene = (window as any).__scene;
    return s && scene ? sceneGraph.interpolate(scene, s, scoped, fmt) : (s ?? '');
  },
  containsTemplate: (s?: string) => /\$\{?\w/.test(s ?? ''),
  updateTimeRange() {},
} as any);

setPluginImportUtils({
  importPanelPlugin: async (id: string) => { throw new Error(`Panel plugin "${id}" has no stand-in in this renderer`); },
  getPanelPluginFromCache: () => undefined,
} as any);

// --- data sources: every Prometheus reference must resolve through a template variable or a known uid
export const PROM_UID = 'render-prometheus';
export const badDatasourceRefs: string[] = [];
const meta = (id: string, name: string) => ({ id, name, type: 'datasource', metrics: true, annotations: true, info: { logos: { small: '', large: '' }, author: {}, links: [] }, module: '', baseUrl: '' });
const settings: any = { id: 1, uid: PROM_UID, name: 'Prometheus', type: 'prometheus', isDefault: true, readOnly: true, access: 'proxy', url: '/prom', jsonData: {}, meta: meta('prometheus', 'Prometheus') };
const grafanaSettings: any = { ...settings, id: 2, uid: 'grafana', name: '-- Grafana --', type: 'grafana', isDefault: false, meta: { ...meta('grafana', 'Grafana'), metrics: false } };
config.datasources = { Prometheus: settings } as any;
config.defaultDatasource = 'Prometheus';
const prom = new PrometheusShim(settings);
const nullDs: any = { ...grafanaSettings, uid: 'grafana', meta: grafanaSettings.meta, query: () => of({ data: [] }), getRef: () => ({ uid: 'grafana' }) };

function resolve(ref: any, scoped?: any): any {
  let name: string | undefined = typeof ref === 'string' ? ref : ref?.uid;
  if (name?.includes('$')) {
    const ctx = scoped?.__sceneObject?.value?.valueOf?.() ?? (window as any).__scene;
    name = ctx ? sceneGraph.interpolate(ctx, name, scoped) : name;
  }
  if (!name || name === 'default' || name === PROM_UID || name === 'Prometheus') {
    return settings;
  }
  if (['grafana', '-- Grafana --', '-- Dashboard --'].includes(name)) {
    return grafanaSettings;
  }
  return undefined;
}
setDataSourceSrv({
  get: async (ref: any, scoped?: any) => {
    const s = resolve(ref, scoped);
    if (!s) {
      const n = typeof ref === 'string' ? ref : JSON.stringify(ref);
      badDatasourceRefs.push(n);
      throw new Error(`Datasource ${n} was not found`);
    }
    return s === grafanaSettings ? nullDs : prom;
  },
  getInstanceSettings: (ref: any, scoped?: any) => resolve(ref, scoped),
  getList: (f: any = {}) => (f.pluginId && f.pluginId !== 'prometheus' ? [] : [settings]),
  reload() {}, registerRuntimeDataSource() {},
} as any);

setRunRequest(((ds: any, request: any, fn?: any) => {
  const base: PanelData = { state: LoadingState.Loading, series: [], request, timeRange: request.range ?? getDefaultTimeRange() };
  const q = fn ? fn(request) : ds.query(request);
  return from(q as any).pipe(
    map((r: any): PanelData => ({
      ...base,
      state: r.errors?.length ? LoadingState.Error : LoadingState.Done,
      series: (r.data ?? []).map(toDataFrame),
      errors: r.errors, error: r.errors?.[0],
    })),
    catchError((e) => of({ ...base, state: LoadingState.Error, errors: [toDataQueryError(e)], error: toDataQueryError(e) })),
    startWith(base)
  );
}) as any);

// --- registries
standardEditorsRegistry.setInit(() => []);
standardTransformersRegistry.setInit(() =>
  Object.values(standardTransformers).filter((t, i, a) => a.findIndex((o) => o.id === t.id) === i).map((t: any) => ({ id: t.id, name: t.name, transformation: Object.assign(async () => t, { operator: t.operator }), editor: () => null })) as any
);
const std = (id: string, process: any, extra: any = {}) => ({ id, path: id, name: id, description: '', editor: () => null, override: () => null, process, shouldApply: () => true, category: ['Standard options'], settings: {}, ...extra });
standardFieldConfigEditorRegistry.setInit(() => [
  std('unit', unitOverrideProcessor),
  std('min', numberOverrideProcessor),
  std('max', numberOverrideProcessor),
  std('fieldMinMax', booleanOverrideProcessor, { defaultValue: false }),
  std('decimals', numberOverrideProcessor),
  std('displayName', displayNameOverrideProcessor),
  std('color', identityOverrideProcessor),
  std('noValue', displayNameOverrideProcessor),
  std('links', dataLinksOverrideProcessor),
  std('actions', identityOverrideProcessor),
  std('mappings', valueMappingsOverrideProcessor, { defaultValue: [] }),
  std('thresholds', thresholdsOverrideProcessor, { defaultValue: { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] } }),
  std('filterable', booleanOverrideProcessor),
] as any);
