// The options and transformations that the dashboards use. Grafana's libraries silently ignore one
// that is not registered, and the picture would be wrong. report.ts reports such options.
import {
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldConfigProperty,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type FieldConfigPropertyItem,
} from '@grafana/data';

/** An option of a field, without an editor, because nothing is edited here. */
export function fieldOption(id: string, process: FieldConfigPropertyItem['process']): FieldConfigPropertyItem {
  return { id, path: id, name: id, process, shouldApply: () => true, editor: () => null, override: () => null };
}

export function registerFieldOptions(): void {
  standardFieldConfigEditorRegistry.setInit(() => [
    fieldOption(FieldConfigProperty.Unit, unitOverrideProcessor),
    fieldOption(FieldConfigProperty.Min, numberOverrideProcessor),
    fieldOption(FieldConfigProperty.Max, numberOverrideProcessor),
    fieldOption(FieldConfigProperty.Decimals, numberOverrideProcessor),
    fieldOption(FieldConfigProperty.Color, identityOverrideProcessor),
    fieldOption(FieldConfigProperty.NoValue, displayNameOverrideProcessor),
    fieldOption(FieldConfigProperty.Mappings, valueMappingsOverrideProcessor),
    fieldOption(FieldConfigProperty.Thresholds, thresholdsOverrideProcessor),
    fieldOption(FieldConfigProperty.Links, dataLinksOverrideProcessor),
  ]);
}

export function registerTransformations(): void {
  const { mergeTransformer, organizeFieldsTransformer } = standardTransformers;
  standardTransformersRegistry.setInit(() =>
    [mergeTransformer, organizeFieldsTransformer].map((transformer) => ({
      id: transformer.id,
      name: transformer.name,
      transformation: async () => transformer,
      editor: () => null,
      imageDark: '',
      imageLight: '',
    }))
  );
}
