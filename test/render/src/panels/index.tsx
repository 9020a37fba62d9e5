import { FieldColorModeId, FieldConfigProperty, identityOverrideProcessor, PanelPlugin, ThresholdsMode } from '@grafana/data';
import { sceneUtils } from '@grafana/scenes';
import { TimeSeriesPanel } from './timeseries';
import { BarGaugePanel, StatPanel } from './singlestat';
import { TablePanel } from './table';
import { StateTimelinePanel } from './statetimeline';

// Custom field options must be registered with a processor or overrides on them are ignored.
const custom = (paths: Record<string, any>) => (b: any) => {
  for (const [path, defaultValue] of Object.entries(paths)) {
    b.addCustomEditor({ id: path, path, name: path, defaultValue, editor: () => null, override: () => null, process: identityOverrideProcessor, shouldApply: () => true, settings: {} });
  }
};
const graph = {
  drawStyle: 'line', lineInterpolation: 'linear', barAlignment: 0, barWidthFactor: 0.6, lineWidth: 1, fillOpacity: 0, gradientMode: 'none',
  fillBelowTo: undefined, lineStyle: { fill: 'solid' }, lineColor: undefined, spanNulls: false, insertNulls: false, showPoints: 'auto', pointSize: 5,
  stacking: { mode: 'none', group: 'A' }, transform: undefined, axisPlacement: 'auto', axisLabel: '', axisWidth: undefined, axisSoftMin: undefined,
  axisSoftMax: undefined, axisColorMode: 'text', axisBorderShow: false, axisCenteredZero: false, axisGridShow: undefined,
  scaleDistribution: { type: 'linear' }, hideFrom: { viz: false, legend: false, tooltip: false }, thresholdsStyle: { mode: 'off' }, showValues: false,
};
const table = { align: 'auto', cellOptions: { type: 'auto' }, width: undefined, minWidth: undefined, inspect: false, hidden: false, filterable: undefined, wrapHeaderText: undefined, hideFrom: { viz: false }, footer: { reducers: [] }, styleField: undefined, tooltip: undefined };
const palette = { [FieldConfigProperty.Color]: { defaultValue: { mode: FieldColorModeId.PaletteClassic } } };
const byThreshold = { [FieldConfigProperty.Color]: { defaultValue: { mode: FieldColorModeId.Thresholds } } };
const zeroThreshold = { [FieldConfigProperty.Thresholds]: { defaultValue: { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }] } } };
const reduce = { values: false, calcs: ['lastNotNull'], fields: '' };

function opts(plugin: PanelPlugin<any>, defaults: Record<string, any>) {
  return plugin.setPanelOptions((b: any) => {
    for (const [path, defaultValue] of Object.entries(defaults)) {
      b.addCustomEditor({ id: path, path, name: path, defaultValue, editor: () => null });
    }
  });
}
const legend = { 'legend.displayMode': 'list', 'legend.placement': 'bottom', 'legend.showLegend': true, 'legend.calcs': [] };

function add(id: string, plugin: PanelPlugin<any>) {
  sceneUtils.registerRuntimePanelPlugin({ pluginId: id, plugin });
}

export function registerPanels() {
  add('timeseries', opts(new PanelPlugin<any>(TimeSeriesPanel).useFieldConfig({ standardOptions: palette as any, useCustomConfig: custom(graph) }).setDataSupport({ annotations: true }), { ...legend, tooltip: { mode: 'single', sort: 'none' } }));
  add('stat', opts(new PanelPlugin<any>(StatPanel).useFieldConfig({ standardOptions: byThreshold as any }), { reduceOptions: reduce, orientation: 'auto', textMode: 'auto', wideLayout: true, colorMode: 'value', graphMode: 'area', justifyMode: 'auto', showPercentChange: false, percentChangeColorMode: 'standard' }));
  add('bargauge', opts(new PanelPlugin<any>(BarGaugePanel).useFieldConfig({ standardOptions: byThreshold as any }), { reduceOptions: reduce, orientation: 'auto', displayMode: 'gradient', valueMode: 'color', namePlacement: 'auto', showUnfilled: true, sizing: 'auto', minVizWidth: 8, minVizHeight: 16, maxVizHeight: 300, legend: { showLegend: false } }));
  add('table', opts(new PanelPlugin<any>(TablePanel).useFieldConfig({ standardOptions: byThreshold as any, useCustomConfig: custom(table) }), { frameIndex: 0, showHeader: true, cellHeight: 'sm', sortBy: [] }));
  const st = { lineWidth: 0, fillOpacity: 70, spanNulls: false, insertNulls: false, hideFrom: { viz: false } };
  add('state-timeline', opts(new PanelPlugin<any>(StateTimelinePanel).useFieldConfig({ standardOptions: { ...byThreshold, ...zeroThreshold } as any, useCustomConfig: custom(st) }), { ...legend, showValue: 'auto', mergeValues: true, rowHeight: 0.9, alignValue: 'left' }));
  add('status-history', opts(new PanelPlugin<any>(StateTimelinePanel).useFieldConfig({ standardOptions: { ...byThreshold, ...zeroThreshold } as any, useCustomConfig: custom(st) }), { ...legend, showValue: 'auto', rowHeight: 0.9, colWidth: 0.9, perSample: true }));
}
