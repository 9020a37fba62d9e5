// A small Prometheus data source with Grafana's steps, macros, legends and tables.
import {
  DataSourceApi,
  rangeUtil,
  type DataFrame,
  type DataQueryRequest,
  type DataSourceInstanceSettings,
  type LegacyMetricFindQueryOptions,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { annotations } from './annotations';
import { ask, evaluate } from './api';
import { seriesFrame, tableFrame } from './frames';
import { interpolate } from './interpolate';

export interface PrometheusQuery extends DataQuery {
  expr: string;
  legendFormat?: string;
  format?: string;
  instant?: boolean;
  interval?: string;
}

export class Prometheus extends DataSourceApi {
  constructor(settings: DataSourceInstanceSettings) {
    super(settings);
    this.interval = window.order.scrapeInterval;
    this.annotations = annotations;
  }

  testDatasource() {
    return Promise.reject(new Error('not supported by the renderer'));
  }

  async query(request: DataQueryRequest<PrometheusQuery>) {
    const tables = request.targets.filter((target) => target.format === 'table').length;
    const answers = request.targets.map(async (target) => {
      const { expr, step } = prepare(target, request);
      const series = await (target.instant ? at(expr, request) : over(expr, step, request));
      if (target.format !== 'table') {
        return series.map((one) => seriesFrame(one, target, step));
      }
      return series.length ? [tableFrame(series, target.refId, tables > 1)] : [];
    });
    const frames: DataFrame[] = (await Promise.all(answers)).flat();
    return { data: frames };
  }

  async metricFindQuery(query: string, options?: LegacyMetricFindQueryOptions) {
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
    if (!label) {
      throw new Error(`not a query of a variable: ${query}`);
    }
    const parameters = new URLSearchParams({ 'match[]': interpolate(selector, options?.scopedVars) });
    if (options?.range) {
      parameters.set('start', String(Math.floor(options.range.from.valueOf() / 1000)));
      parameters.set('end', String(Math.ceil(options.range.to.valueOf() / 1000)));
    }
    const values = await ask<string[]>(`label/${label}/values`, parameters);
    return values.map((text) => ({ text }));
  }
}

/**
 * The step in milliseconds, calculated as in Grafana, except that a panel's minimum interval does
 * not widen it: the Prometheus of the tests has data for only one minute.
 */
function prepare(target: PrometheusQuery, request: DataQueryRequest) {
  const scrapeInterval = target.interval || window.order.scrapeInterval;
  const points = request.maxDataPoints ?? 1000;
  const step = Math.max(rangeUtil.calculateInterval(request.range, points, scrapeInterval).intervalMs, 1000);
  const scrape = rangeUtil.intervalToMs(scrapeInterval);
  const rate = Math.max(step + scrape, 4 * scrape);
  const expr = interpolate(target.expr.replaceAll('$__rate_interval', `${rate}ms`), request.scopedVars);
  return { expr, step };
}

const seconds = (milliseconds: number) => String(milliseconds / 1000);

function at(expr: string, { range }: DataQueryRequest) {
  return evaluate('query', expr, { time: seconds(range.to.valueOf()) });
}

function over(expr: string, step: number, { range }: DataQueryRequest) {
  const aligned = (time: number) => seconds(Math.floor(time / step) * step);
  const [start, end] = [aligned(range.from.valueOf()), aligned(range.to.valueOf())];
  return evaluate('query_range', expr, { start, end, step: seconds(step) });
}
