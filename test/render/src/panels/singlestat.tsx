import React from 'react';
import { DisplayValueAlignmentFactors, FieldDisplay, getDisplayValueAlignmentFactors, getFieldDisplayValues, PanelProps, VizOrientation } from '@grafana/data';
import { BarGauge, BigValue, VizRepeater } from '@grafana/ui';
import { config } from '@grafana/runtime';

const valuesOf = (props: PanelProps<any>, sparkline: boolean) => () => getFieldDisplayValues({
  fieldConfig: props.fieldConfig, reduceOptions: props.options.reduceOptions, replaceVariables: props.replaceVariables, theme: config.theme2,
  data: props.data.series, sparkline, timeZone: props.timeZone, percentChange: !!props.options.showPercentChange,
} as any);

function Repeat({ props, sparkline, render, ...rest }: { props: PanelProps<any>; sparkline: boolean; render: (v: any, all: FieldDisplay[]) => any; [k: string]: any }) {
  const getValues = valuesOf(props, sparkline);
  const R: any = VizRepeater;
  const empty = !props.data.series.some((f) => f.length);
  return (
    <div data-nodata={empty ? '1' : undefined}>
      <R getValues={getValues} getAlignmentFactors={getDisplayValueAlignmentFactors} renderValue={(v: any) => render(v, [])} width={props.width} height={props.height}
        source={props.data} itemSpacing={3} renderCounter={props.renderCounter} autoGrid orientation={props.options.orientation} {...rest} />
    </div>
  );
}

export function StatPanel(props: PanelProps<any>) {
  const o = props.options;
  return <Repeat props={props} sparkline={o.graphMode !== 'none'} render={({ value, width, height, count, alignmentFactors }: { value: FieldDisplay; width: number; height: number; count: number; alignmentFactors: DisplayValueAlignmentFactors }) => (
    <BigValue value={value.display} count={count} sparkline={value.sparkline} colorMode={o.colorMode} graphMode={o.graphMode} justifyMode={o.justifyMode} textMode={o.textMode} alignmentFactors={alignmentFactors} text={o.text} width={width} height={height} theme={config.theme2} percentChangeColorMode={o.percentChangeColorMode} disableWideLayout={!o.wideLayout} />
  )} />;
}

export function BarGaugePanel(props: PanelProps<any>) {
  const o = props.options;
  const orientation = o.orientation === 'auto' ? (props.width > props.height ? VizOrientation.Vertical : VizOrientation.Horizontal) : o.orientation;
  return <Repeat props={props} sparkline={false} autoGrid={false} orientation={orientation} itemSpacing={o.displayMode === 'lcd' ? 2 : 10} minVizWidth={o.minVizWidth} minVizHeight={o.minVizHeight} maxVizHeight={o.maxVizHeight} render={({ value, width, height, alignmentFactors, orientation: or }: any) => (
    <BarGauge value={value.display} width={width} height={height} orientation={or} field={value.field} text={o.text} display={value.view?.getFieldDisplayProcessor(value.colIndex)} theme={config.theme2} itemSpacing={10} lcdCellWidth={12} displayMode={o.displayMode} alignmentFactors={alignmentFactors} showUnfilled={o.showUnfilled} valueDisplayMode={o.valueMode} namePlacement={o.namePlacement} />
  )} />;
}
