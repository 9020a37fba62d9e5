import {
  FieldColorModeId,
  FieldConfigProperty,
  identityOverrideProcessor,
  PanelPlugin,
  type PanelProps,
} from '@grafana/data';
import type { ComponentType } from 'react';
import type { Panel } from '../dashboard';
import { fieldOption } from '../registries';
import { BarGaugePanel } from './bargauge';
import { StatPanel } from './stat';
import { StateTimelinePanel, StatusHistoryPanel } from './statetimeline';
import { TablePanel } from './table';
import { TimeSeriesPanel } from './timeseries';

/** The panel types that the dashboards use, each with the options that they set. */
export const plugins: Record<Panel['type'], PanelPlugin> = {
  stat: plugin(StatPanel),
  bargauge: plugin(BarGaugePanel),
  table: plugin(TablePanel, ['align', 'cellOptions', 'inspect', 'minWidth', 'width']),
  'state-timeline': plugin(StateTimelinePanel, ['fillOpacity', 'lineWidth']),
  'status-history': plugin(StatusHistoryPanel, ['fillOpacity', 'lineWidth']),
  timeseries: plugin(TimeSeriesPanel, [
    'axisBorderShow',
    'axisPlacement',
    'axisSoftMax',
    'drawStyle',
    'fillOpacity',
    'lineInterpolation',
    'lineStyle',
    'lineWidth',
    'pointSize',
    'showPoints',
    'spanNulls',
    'stacking',
    'thresholdsStyle',
  ]),
};

function plugin<Options>(panel: ComponentType<PanelProps<Options>>, options: string[] = []): PanelPlugin {
  return new PanelPlugin(panel)
    .useFieldConfig({
      standardOptions: { [FieldConfigProperty.Color]: { defaultValue: { mode: FieldColorModeId.Thresholds } } },
      useCustomConfig: (builder) => {
        for (const option of options) {
          builder.addCustomEditor(fieldOption(option, identityOverrideProcessor));
        }
      },
    })
    .setDataSupport({ annotations: true });
}
