// What render.mjs and the page say to each other, through the page's window.
import type { SceneObject } from '@grafana/scenes';
import type { Dashboard } from './dashboard';

/** What to draw. */
export interface Order {
  dashboard: Dashboard;
  theme: string;
  /** Unix milliseconds, or as Grafana writes it: now-6h. */
  from: string;
  to: string;
  /** The variables' values; without one a variable has its default. */
  values: Record<string, string[]>;
  /** How often Prometheus scrapes, such as 15s. */
  scrapeInterval: string;
  expandRows: boolean;
  /** Regular expressions: the titles of panels that may be empty. */
  allowNoData: string[];
}

/** How far the page is, and what is wrong with it. */
export interface Report {
  /** What has no answer yet; the picture is not ready before this is empty. */
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
    /** It is missing until the dashboard is built. */
    report?: () => Report;
    /** Grafana's own name: variables are looked up here where nothing nearer has them. */
    __grafanaSceneContext?: SceneObject;
  }
}
