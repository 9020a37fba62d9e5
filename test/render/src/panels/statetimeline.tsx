import React from 'react';
import { dateTimeFormat, FieldType, formattedValueToString, getFieldDisplayName, PanelProps } from '@grafana/data';
import { VizLayout, VizLegend, useTheme2 } from '@grafana/ui';
import { NoData, hasNumbers } from './common';

interface Seg { t: number; end: number; text: string; color: string }

export function StateTimelinePanel(props: PanelProps<any>) {
  const { data, width, height, options: o, timeRange, timeZone } = props;
  const theme = useTheme2();
  if (!hasNumbers(props)) {
    return <NoData props={props} />;
  }
  const from = timeRange.from.valueOf(), to = timeRange.to.valueOf();
  const rows: Array<{ name: string; segs: Seg[] }> = [];
  for (const f of data.series) {
    const time = f.fields.find((x) => x.type === FieldType.time);
    if (!time) { continue; }
    for (const v of f.fields.filter((x) => x !== time)) {
      const segs: Seg[] = [];
      const gap = (time.config.interval ?? (time.values[1] - time.values[0]) ?? 60000) * 1.5;
      time.values.forEach((t: number, i: number) => {
        const raw = v.values[i];
        const next = time.values[i + 1] ?? t + gap / 1.5;
        if (raw == null) { return; }
        const dv = v.display!(raw);
        const text = formattedValueToString(dv), color = dv.color ?? theme.colors.text.primary;
        const end = Math.min(next - t > gap ? t + gap / 1.5 : next, to);
        const last = segs[segs.length - 1];
        if (last && o.mergeValues !== false && !o.perSample && last.text === text && t - last.end < gap) { last.end = end; }
        else { segs.push({ t, end, text, color }); }
      });
      rows.push({ name: getFieldDisplayName(v, f, data.series), segs });
    }
  }
  const seen = new Map<string, string>();
  rows.forEach((r) => r.segs.forEach((s) => seen.set(s.text, s.color)));
  const legend = o.legend?.showLegend === false ? undefined : (
    <VizLayout.Legend placement={o.legend?.placement ?? 'bottom'}><VizLegend items={[...seen].map(([label, color]) => ({ label, color, yAxis: 1 }))} placement={o.legend?.placement ?? 'bottom'} displayMode={"list" as any} /></VizLayout.Legend>
  );
  return (
    <VizLayout width={width} height={height} legend={legend as any}>
      {(w: number, h: number) => {
        const left = Math.min(Math.max(...rows.map((r) => r.name.length)) * 6.6 + 12, w / 3), axis = 20, rh = (h - axis) / rows.length;
        const x = (t: number) => left + ((Math.max(t, from) - from) / (to - from)) * (w - left);
        const nTicks = Math.max(2, Math.floor((w - left) / 110));
  const ticks = Array.from({ length: nTicks }, (_, i) => from + ((i + 0.5) * (to - from)) / nTicks);
        return (
          <svg width={w} height={h} style={{ fontSize: 12 }}>
            {rows.map((r, i) => (
              <g key={i}>
                <text x={left - 8} y={i * rh + rh / 2} textAnchor="end" dominantBaseline="middle" fill={theme.colors.text.primary}>{r.name}</text>
                {r.segs.map((s, j) => {
                  const sw = Math.max(1, x(s.end) - x(s.t) - (o.perSample ? 1 : 0));
                  return <g key={j}><rect x={x(s.t)} y={i * rh + (rh * (1 - (o.rowHeight ?? 0.9))) / 2} width={sw} height={rh * (o.rowHeight ?? 0.9)} fill={s.color} fillOpacity={0.7} />
                    {o.showValue !== 'never' && s.text.length * 7 < sw && <text x={x(s.t) + 4} y={i * rh + rh / 2} dominantBaseline="middle" fill={theme.colors.text.primary}>{s.text}</text>}</g>;
                })}
              </g>
            ))}
            {ticks.map((t, i) => <text key={i} x={x(t)} y={h - 5} textAnchor="middle" fill={theme.colors.text.secondary}>{dateTimeFormat(t, { timeZone, format: to - from > 2 * 86_400_000 ? 'MM/DD HH:mm' : to - from > 600_000 ? 'HH:mm' : 'HH:mm:ss' })}</text>)}
          </svg>
        );
      }}
    </VizLayout>
  );
}
