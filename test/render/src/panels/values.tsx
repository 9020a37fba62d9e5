import {
  getDisplayValueAlignmentFactors,
  getFieldDisplayValues,
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  type PanelProps,
} from '@grafana/data';
import { config } from '@grafana/runtime';
import type { SingleStatBaseOptions } from '@grafana/schema';
import { VizRepeater, type VizRepeaterRenderValueProps } from '@grafana/ui';
import type { ComponentProps, JSX } from 'react';

type Layout = Pick<
  ComponentProps<typeof VizRepeater>,
  'autoGrid' | 'itemSpacing' | 'minVizWidth' | 'minVizHeight' | 'maxVizHeight'
>;

interface Props extends Layout {
  panel: Omit<PanelProps<SingleStatBaseOptions>, 'onOptionsChange'>;
  renderValue: (value: VizRepeaterRenderValueProps<FieldDisplay, DisplayValueAlignmentFactors>) => JSX.Element;
}

/** One drawing for each series, showing its newest value. */
export function Values({ panel, renderValue, ...layout }: Props) {
  const { data, width, height, options, renderCounter } = panel;
  return (
    <VizRepeater
      source={data}
      width={width}
      height={height}
      orientation={options.orientation}
      renderCounter={renderCounter}
      getValues={() => getFieldDisplayValues({ ...panel, ...options, data: data.series, theme: config.theme2 })}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      renderValue={renderValue}
      {...layout}
    />
  );
}
