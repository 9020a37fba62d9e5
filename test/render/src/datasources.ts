// Prometheus is the only data source. A request for another one is reported as not found.
import type { DataSourceInstanceSettings, DataSourceRef, ScopedVars } from '@grafana/data';
import { PluginType } from '@grafana/data';
import type { DataSourceSrv } from '@grafana/runtime';
import { Prometheus } from './prometheus';
import { interpolate } from './interpolate';

export const prometheusUid = 'prometheus';

const settings: DataSourceInstanceSettings = {
  id: 1,
  uid: prometheusUid,
  name: 'Prometheus',
  type: 'prometheus',
  access: 'proxy',
  readOnly: true,
  isDefault: true,
  jsonData: {},
  meta: {
    id: 'prometheus',
    name: 'Prometheus',
    type: PluginType.datasource,
    metrics: true,
    annotations: true,
    module: '',
    baseUrl: '',
    info: {
      author: { name: '' },
      description: '',
      links: [],
      logos: { small: '', large: '' },
      screenshots: [],
      updated: '',
      version: '',
    },
  },
};
const prometheus = new Prometheus(settings);

type Reference = DataSourceRef | string | null;

function uidOf(reference?: Reference, scopedVars?: ScopedVars): string {
  const uid = typeof reference === 'string' ? reference : reference?.uid;
  return interpolate(uid ?? '', scopedVars);
}

export const dataSources: DataSourceSrv = {
  async get(reference, scopedVars) {
    const uid = uidOf(reference, scopedVars);
    if (uid !== prometheusUid) {
      throw new Error(`data source not found: ${uid}`);
    }
    return prometheus;
  },
  getInstanceSettings: (reference, scopedVars) =>
    uidOf(reference, scopedVars) === prometheusUid ? settings : undefined,
  getList: () => [settings],
  async reload() {},
  registerRuntimeDataSource() {},
};
