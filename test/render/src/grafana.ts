// Sets up Grafana's libraries as Grafana's own front end does at startup, as far as dashboards need it.
import { EventBusSrv } from '@grafana/data';
import { config, setAppEvents, setDataSourceSrv, setPluginImportUtils, setRunRequest } from '@grafana/runtime';
import { sceneUtils } from '@grafana/scenes';
import { dataSources } from './datasources';
import { plugins } from './panels/plugins';
import { registerFieldOptions, registerTransformations } from './registries';
import { runRequest } from './runrequest';

config.datasources = Object.fromEntries(dataSources.getList().map((settings) => [settings.name, settings]));
setAppEvents(new EventBusSrv());
setDataSourceSrv(dataSources);
setRunRequest(runRequest);
setPluginImportUtils({
  importPanelPlugin: (id) => Promise.reject(new Error(`the renderer has no panels of the type ${id}`)),
  getPanelPluginFromCache: () => undefined,
});
registerFieldOptions();
registerTransformations();
for (const [pluginId, plugin] of Object.entries(plugins)) {
  sceneUtils.registerRuntimePanelPlugin({ pluginId, plugin });
}
