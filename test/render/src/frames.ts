// Prometheus' series as Grafana's data frames.
import { FieldType, type DataFrame } from '@grafana/data';
import type { Series } from './api';
import type { PrometheusQuery } from './prometheus';

/** A frame with the series' samples, named by its legend. */
export function seriesFrame(series: Series, { refId, legendFormat = '' }: PrometheusQuery, step: number): DataFrame {
  const samples = samplesOf(series);
  const name = legendFormat.replace(/{{(\w+)}}/g, (_, label: string) => series.metric[label] ?? '');
  return {
    refId,
    length: samples.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: { interval: step }, values: samples.map(({ time }) => time) },
      {
        name: 'Value',
        type: FieldType.number,
        config: { displayNameFromDS: name || undefined },
        labels: series.metric,
        values: samples.map(({ value }) => value),
      },
    ],
  };
}

/** A frame with one row for each series and one column for each label. */
export function tableFrame(series: Series[], refId: string, isOneOfMany: boolean): DataFrame {
  const labels = new Set(series.flatMap(({ metric }) => Object.keys(metric).sort()));
  const rows = series.flatMap((one) => samplesOf(one).map((sample) => ({ ...sample, metric: one.metric })));
  return {
    refId,
    length: rows.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: rows.map(({ time }) => time) },
      ...[...labels].map((label) => ({
        name: label,
        type: FieldType.string,
        config: {},
        values: rows.map(({ metric }) => metric[label] ?? ''),
      })),
      {
        name: isOneOfMany ? `Value #${refId}` : 'Value',
        type: FieldType.number,
        config: {},
        values: rows.map(({ value }) => value),
      },
    ],
  };
}

function samplesOf({ value, values = value ? [value] : [] }: Series) {
  return values.map(([time, text]) => ({ time: Math.round(time * 1000), value: numberOf(text) }));
}

/** Parses Prometheus' +Inf, -Inf and NaN. */
const numberOf = (text: string) => Number(text.replace('Inf', 'Infinity'));
