// A small Prometheus data source: same query macros, step rules, legend rules and table shape that a
// Grafana user sees, written against the public Prometheus HTTP API (proxied by render.mjs at /prom).
import { DataFrame, DataQueryRequest, DataQueryResponse, DataSourceApi, FieldType, MetricFindValue, rangeUtil } from '@grafana/data';
import { sceneGraph } from '@grafana/scenes';
import { of } from 'rxjs';

const SCRAPE_INTERVAL = new URLSearchParams(location.search).get('scrapeInterval') || '15s';
const toMs = (d: string) => rangeUtil.intervalToMs(d);

export interface ExecutedQuery { refId: string; expr: string; raw: string; step: number; instant: boolean; series: number; error?: string; app?: string }
export const executed: ExecutedQuery[] = [];
(window as any).__executed = executed;

const goDuration = (ms: number) => {
  const s = Math.round(ms / 1000);
  const h = Math.floor(s / 3600), m = Math.floor((s % 3600) / 60), r = s % 60;
  return (h ? h + 'h' : '') + (h || m ? m + 'm' : '') + r + 's';
};
const escRegular = (v: any) => (typeof v === 'string' ? v.replace(/\\/g, '\\\\').replace(/'/g, "\\\\'") : v);
const escRegex = (v: any) => (typeof v === 'string' ? v.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}\[\]'+?.()|]/g, '\\\\$&') : v);

function promValue(value: any, variable: any) {
  if (!variable?.multi && !variable?.includeAll) {
    return escRegular(value);
  }
  if (typeof value === 'string') {
    return escRegex(value);
  }
  const vals = (Array.isArray(value) ? value : [value]).map(escRegex);
  return vals.length === 1 ? vals[0] : `(${vals.join('|')})`;
}

export class PrometheusShim extends DataSourceApi<any> {
  constructor(settings: any) {
    super(settings);
    (this as any).interval = SCRAPE_INTERVAL;
    this.annotations = {
      prepareAnnotation: (a: any) => ({ ...a, target: a.target ?? { refId: 'Anno', expr: a.expr, interval: a.step } }),
      prepareQuery: (a: any) => ({ ...a.target, range: true, instant: false, expr: a.target?.expr ?? a.expr, interval: a.step ?? a.target?.interval ?? '60s' }),
      processEvents: (a: any, frames: DataFrame[]) => of(annotationEvents(a, frames)),
    } as any;
  }

  testDatasource(): any { return Promise.resolve({ status: 'success' }); }
  getRef() { return { type: 'prometheus', uid: this.uid }; }

  private interpolate(s: string, scoped: any): string {
    const obj = scoped?.__sceneObject?.value?.valueOf?.() ?? (window as any).__scene;
    return sceneGraph.interpolate(obj, s, scoped, promValue as any);
  }

  macros(expr: string, request: DataQueryRequest<any>, target: any) {
    const from = request.range.from.valueOf(), to = request.range.to.valueOf();
    const rangeMs = to - from;
    const minStep = target.interval ? this.interpolate(String(target.interval), request.scopedVars) : '';
    const minMs = minStep && !minStep.includes('$') ? toMs(minStep) : toMs(SCRAPE_INTERVAL);
    const calc = rangeUtil.calculateInterval(request.range, request.maxDataPoints ?? 1000, `${minMs / 1000}s`).intervalMs;
    const step = Math.max(calc, rangeUtil.roundInterval(rangeMs / 11000), 1000) * (target.intervalFactor || 1);
    const scrape = toMs(minStep && !minStep.includes('$') ? minStep : SCRAPE_INTERVAL);
    const rate = Math.max((request.intervalMs ?? calc) + scrape, 4 * scrape);
    const rep: Array<[string, string]> = [
      ['__interval_ms', String(step)], ['__interval', goDuration(step)],
      ['__range_ms', String(rangeMs)], ['__range_s', String(Math.round(rangeMs / 1000))], ['__range', Math.round(rangeMs / 1000) + 's'],
      ['__rate_interval_ms', String(rate)], ['__rate_interval', goDuration(rate)],
    ];
    for (const [k, v] of rep) {
      expr = expr.replaceAll('${' + k + '}', v).replace(new RegExp('\\$' + k + '(?![A-Za-z0-9_])', 'g'), v);
    }
    return { expr: this.interpolate(expr, request.scopedVars), step, from, to };
  }

  async query(request: DataQueryRequest<any>): Promise<DataQueryResponse> {
    const targets = request.targets.filter((t) => !t.hide && t.expr);
    const errors: any[] = [];
    const frames: DataFrame[] = [];
    const tableCount = targets.filter((t) => t.format === 'table').length;
    for (const t of targets) {
      const { expr, step, from, to } = this.macros(t.expr, request, t);
      const modes = t.instant && t.range ? ['range', 'instant'] : t.instant ? ['instant'] : ['range'];
      for (const mode of modes) {
        const log: ExecutedQuery = { refId: t.refId, expr, raw: t.expr, step: step / 1000, instant: mode === 'instant', series: 0, app: request.app };
        executed.push(log);
        try {
          const p = new URLSearchParams({ query: expr });
          if (mode === 'instant') {
            p.set('time', String(to / 1000));
          } else {
            p.set('start', String((Math.floor(from / step) * step) / 1000));
            p.set('end', String((Math.floor(to / step) * step) / 1000));
            p.set('step', String(step / 1000));
          }
          const d = await api(mode === 'instant' ? 'query' : 'query_range', p);
          const result: any[] = d.resultType === 'scalar' ? [{ metric: {}, value: d.result }] : d.result;
          log.series = result.length;
          const fr = result.map((r) => toFrame(r, t, expr, step));
          if (t.format === 'table') {
            if (fr.length) { frames.push(toTable(fr, t.refId, tableCount)); }
          } else {
            frames.push(...fr);
          }
        } catch (e: any) {
          log.error = e.message;
          errors.push({ refId: t.refId, message: e.message });
        }
      }
    }
    return { data: frames, errors: errors.length ? errors : undefined };
  }

  async metricFindQuery(query: any, options: any): Promise<MetricFindValue[]> {
    const raw: string = typeof query === 'string' ? query : (query?.query ?? '');
    const q = this.interpolate(raw, options?.scopedVars).trim();
    const range = options?.range;
    const p = new URLSearchParams();
    if (range) {
      p.set('start', String(Math.floor(range.from.valueOf() / 1000)));
      p.set('end', String(Math.ceil(range.to.valueOf() / 1000)));
    }
    let m;
    if ((m = q.match(/^label_values\((?:(.+),\s*)?([a-zA-Z_$][a-zA-Z0-9_]*)\)\s*$/s))) {
      if (m[1]) { p.append('match[]', m[1].trim()); }
      return (await api(`label/${m[2]}/values`, p)).map((text: string) => ({ text }));
    }
    throw new Error(`variable query not understood: ${raw}`);
  }
}

async function api(path: string, params: URLSearchParams): Promise<any> {
  const res = await fetch(`/prom/api/v1/${path}?${params}`);
  const text = await res.text();
  let body: any;
  try { body = JSON.parse(text); } catch { throw new Error(`HTTP ${res.status}: ${text.slice(0, 200)}`); }
  if (body.status !== 'success') { throw new Error(`${body.errorType}: ${body.error}`); }
  return body.data;
}

const num = (s: string) => (/^[+-]?inf/i.test(s) ? (s[0] === '-' ? -Infinity : Infinity) : parseFloat(s));
const labelString = (metric: any) => {
  const { __name__, ...l } = metric;
  return `${__name__ ?? ''}{${Object.keys(l).sort().map((k) => `${k}="${l[k]}"`).join(', ')}}`;
};
function legend(metric: any, t: any, expr: string): string {
  const f: string | undefined = t.legendFormat;
  if (f === '__auto') { return Object.keys(metric).length ? '' : expr; }
  if (f) { return f.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, k) => metric[k] ?? ''); }
  const n = metric.__name__ && Object.keys(metric).length === 1 ? metric.__name__ : labelString(metric);
  return n === '{}' ? expr : n;
}
function toFrame(r: any, t: any, expr: string, step: number): DataFrame {
  const pts: any[] = r.values ?? [r.value];
  const name = legend(r.metric, t, expr);
  return {
    refId: t.refId,
    name: name || undefined,
    length: pts.length,
    meta: { type: 'timeseries-multi' as any, executedQueryString: `Expr: ${expr}\nStep: ${step / 1000}s` },
    fields: [
      { name: 'Time', type: FieldType.time, config: r.values ? { interval: step } : {}, values: pts.map((p) => Math.round(p[0] * 1000)) },
      { name: 'Value', type: FieldType.number, config: name ? { displayNameFromDS: name } : {}, labels: r.metric, values: pts.map((p) => num(p[1])) },
    ],
  } as any;
}
function toTable(frames: any[], refId: string, tables: number): DataFrame {
  const labels: string[] = [];
  for (const f of frames) {
    for (const k of Object.keys(f.fields[1].labels).sort()) { if (!labels.includes(k)) { labels.push(k); } }
  }
  const rows: any[] = [];
  for (const f of frames) {
    f.fields[0].values.forEach((ts: number, i: number) => rows.push([ts, ...labels.map((l) => f.fields[1].labels[l] ?? ''), f.fields[1].values[i]]));
  }
  rows.sort((a, b) => a[0] - b[0]);
  const col = (i: number) => rows.map((r) => r[i]);
  return {
    refId, length: rows.length, meta: { preferredVisualisationType: 'rawPrometheus', executedQueryString: frames[0].meta.executedQueryString },
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: col(0) },
      ...labels.map((l, i) => ({ name: l, type: FieldType.string, config: { filterable: true }, values: col(i + 1) })),
      { name: tables > 1 ? `Value #${refId}` : 'Value', type: FieldType.number, config: {}, values: col(labels.length + 1) },
    ],
  } as any;
}
function annotationEvents(a: any, frames: DataFrame[]): any[] {
  const out: any[] = [];
  const tpl = (s: string | undefined, l: any) => (s ?? '').replace(/\{\{\s*(.+?)\s*\}\}/g, (_, k) => l[k] ?? '');
  for (const f of frames) {
    const [time, value] = f.fields as any[];
    const step = time?.config?.interval ?? 60000;
    let cur: any = null;
    (time?.values ?? []).forEach((ts: number, i: number) => {
      if (!(value.values[i] > 0)) { cur = null; return; } // Grafana keeps only values > 0: `up == 0` never annotates
      const at = a.useValueForTime ? value.values[i] : ts;
      if (cur && at - cur.timeEnd <= step && !a.useValueForTime) { cur.timeEnd = at; cur.isRegion = true; return; }
      cur = { time: at, timeEnd: at, isRegion: false, title: tpl(a.titleFormat, value.labels), text: tpl(a.textFormat, value.labels),
        tags: (a.tagKeys ?? '').split(',').filter(Boolean).map((k: string) => value.labels?.[k.trim()]).filter(Boolean), color: a.iconColor, source: a };
      out.push(cur);
    });
  }
  return out;
}
