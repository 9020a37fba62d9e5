import type { ScopedVars } from '@grafana/data';
import { sceneGraph, SceneObjectBase, type SceneObject } from '@grafana/scenes';

/** Replaces the variables in a text. In a query, the value fits between the quotes of =~"…". */
export function interpolate(text: string, scopedVars?: ScopedVars): string {
  const scene = sceneOf(scopedVars);
  return scene ? sceneGraph.interpolate(scene, text, scopedVars, asRegularExpression) : text;
}

/** A data request carries the scene object that it is made for. */
function sceneOf(scopedVars?: ScopedVars): SceneObject | undefined {
  const scene: unknown = scopedVars?.__sceneObject?.value?.valueOf();
  return scene instanceof SceneObjectBase ? scene : window.__grafanaSceneContext;
}

function asRegularExpression(value: unknown): string {
  const values = (Array.isArray(value) ? value : [value]).map((one) => escape(String(one)));
  return values.length === 1 ? values.join() : `(${values.join('|')})`;
}

/** Escapes twice: for the regular expression, and for the PromQL string that contains it. */
const escape = (text: string) => text.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
