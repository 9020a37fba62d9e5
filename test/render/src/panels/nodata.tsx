import type { PanelData, PanelProps } from '@grafana/data';

export const hasNumbers = ({ series }: PanelData) =>
  series.some(({ length, fields }) => length > 0 && fields.some(({ type }) => type === 'number'));

/** The text that a panel shows if it has no data. */
export function NoData({ fieldConfig, width, height }: Pick<PanelProps, 'fieldConfig' | 'width' | 'height'>) {
  return (
    <div style={{ display: 'flex', alignItems: 'center', justifyContent: 'center', width, height, opacity: 0.65 }}>
      {fieldConfig.defaults.noValue ?? 'No data'}
    </div>
  );
}
