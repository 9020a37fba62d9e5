import type { PanelProps } from '@grafana/data';
import { config } from '@grafana/runtime';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import { BigValue } from '@grafana/ui';
import { Values } from './values';

export function StatPanel(panel: PanelProps<Options>) {
  const { colorMode, graphMode, justifyMode, textMode, wideLayout } = panel.options;
  return (
    <Values
      panel={panel}
      autoGrid
      itemSpacing={3}
      renderValue={({ value, ...place }) => (
        <BigValue
          {...place}
          value={value.display}
          colorMode={colorMode}
          graphMode={graphMode}
          justifyMode={justifyMode}
          textMode={textMode}
          disableWideLayout={!wideLayout}
          theme={config.theme2}
        />
      )}
    />
  );
}
