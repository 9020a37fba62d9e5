import type { PanelProps } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import { LegendDisplayMode } from '@grafana/schema';
import { VizLayout, VizLegend } from '@grafana/ui';
import { Bars } from './bars';
import { hasNumbers, NoData } from './nodata';
import { rowsOf, type Row } from './states';

export const StateTimelinePanel = (panel: PanelProps<Options>) => <States panel={panel} merge />;

/** Unlike the state timeline, it shows every sample. */
export const StatusHistoryPanel = (panel: PanelProps<Options>) => <States panel={panel} merge={false} />;

function States({ panel, merge }: { panel: PanelProps<Options>; merge: boolean }) {
  const { data, width, height, options } = panel;
  if (!hasNumbers(data)) {
    return <NoData {...panel} />;
  }
  const rows = rowsOf(data.series, merge);
  const { placement } = options.legend;
  return (
    <VizLayout
      width={width}
      height={height}
      legend={
        <VizLayout.Legend placement={placement}>
          <VizLegend items={legendOf(rows)} placement={placement} displayMode={LegendDisplayMode.List} />
        </VizLayout.Legend>
      }
    >
      {(innerWidth, innerHeight) => (
        <Bars
          rows={rows}
          range={panel.timeRange}
          timeZone={panel.timeZone}
          width={innerWidth}
          height={innerHeight}
          thickness={options.rowHeight}
          space={merge ? 0 : 1}
        />
      )}
    </VizLayout>
  );
}

function legendOf(rows: Row[]) {
  const colors = new Map(rows.flatMap(({ states }) => states.map(({ text, color }) => [text, color])));
  return [...colors].map(([label, color]) => ({ label, color, yAxis: 1 }));
}
