// The data that render.mjs and the page exchange through the page's window.
import type { SceneObject } from '@grafana/scenes';
import type { Dashboard } from './dashboard';

/** What to draw. */
export interface Order {
  dashboard: Dashboard;
  theme: string;
  /** Unix milliseconds, or in Grafana's form: now-6h. */
  from: string;
  to: string;
  /** The values of the variables; a variable that is missing here has its default. */
  values: Record<string, string[]>;
  /** Prometheus' scrape interval, for example 15s. */
  scrapeInterval: string;
  expandRows: boolean;
  /** Regular expressions for the titles of panels that may be empty. */
  allowNoData: string[];
}

/** The state of the page and its problems. */
export interface Report {
  /** Requests without a response; the picture is ready only when this is empty. */
  waiting: string[];
  failures: string[];
  panels: number;
  queries: number;
  /** In pixels. */
  height: number;
}

declare global {
  interface Window {
    order: Order;
    /** Undefined until the dashboard is built. */
    report?: () => Report;
    /** Grafana's own name: variables are looked up here if no closer object has them. */
    __grafanaSceneContext?: SceneObject;
  }
}
