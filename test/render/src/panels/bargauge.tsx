import type { PanelProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import { BarGauge } from '@grafana/ui';
import { Values } from './values';

export function BarGaugePanel(panel: PanelProps<Options>) {
  const { displayMode, valueMode, namePlacement, showUnfilled, ...sizes } = panel.options;
  return (
    <Values
      panel={panel}
      itemSpacing={10}
      minVizWidth={sizes.minVizWidth}
      minVizHeight={sizes.minVizHeight}
      maxVizHeight={sizes.maxVizHeight}
      renderValue={({ value, count: _, ...place }) => (
        <BarGauge
          {...place}
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          displayMode={displayMode}
          valueDisplayMode={valueMode}
          namePlacement={namePlacement}
          showUnfilled={showUnfilled}
          itemSpacing={10}
          theme={config.theme2}
        />
      )}
    />
  );
}
