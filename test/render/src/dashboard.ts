// A dashboard's JSON: only the fields that our dashboards use.
import type { AnnotationQuery, DataSourceRef, DataTransformerConfig, FieldConfigSource } from '@grafana/data';
import type { DashboardCursorSync, DashboardLink, VariableHide, VariableRefresh, VariableSort } from '@grafana/schema';
import type { PrometheusQuery } from './prometheus';

export interface Dashboard {
  title: string;
  tags: string[];
  links: DashboardLink[];
  graphTooltip: DashboardCursorSync;
  refresh: string;
  timezone: string;
  templating: { list: Variable[] };
  annotations: { list: AnnotationQuery[] };
  panels: Array<Panel | Row>;
}

export type Variable = DataSourceVariable | QueryVariable;

interface DataSourceVariable {
  type: 'datasource';
  name: string;
  label: string;
  hide: VariableHide;
}

interface QueryVariable {
  type: 'query';
  name: string;
  label: string;
  hide: VariableHide;
  query: { query: string };
  datasource: DataSourceRef;
  sort: VariableSort;
  refresh: VariableRefresh;
  multi: boolean;
  includeAll: boolean;
  allValue: string;
}

/** A collapsed row contains its panels; the panels of an open row follow it. */
export interface Row {
  type: 'row';
  id: number;
  title: string;
  collapsed: boolean;
  panels: Panel[];
}

export interface Panel {
  type: 'stat' | 'bargauge' | 'table' | 'timeseries' | 'state-timeline' | 'status-history';
  id: number;
  title: string;
  description: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource: DataSourceRef;
  interval?: string;
  maxDataPoints?: number;
  targets: PrometheusQuery[];
  transformations?: DataTransformerConfig[];
  options: object;
  fieldConfig: FieldConfigSource;
}
