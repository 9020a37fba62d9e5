import { FieldType, formattedValueToString, getFieldDisplayName, type DataFrame, type Field } from '@grafana/data';

/** A period with one text and one color; times are in Unix milliseconds. */
export interface State {
  start: number;
  end: number;
  text: string;
  color: string;
}

/** A series, converted to states. */
export interface Row {
  name: string;
  states: State[];
}

/** One row for each series; with merge, consecutive equal states become one. */
export function rowsOf(frames: DataFrame[], merge: boolean): Row[] {
  return frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === FieldType.time);
    const values = frame.fields.filter((field) => field !== time);
    return values.map((value) => ({
      name: getFieldDisplayName(value, frame, frames),
      states: statesOf(time, value, merge),
    }));
  });
}

/** A sample lasts until the next one, or for one step if the next one is missing. */
function statesOf(time: Field<number> | undefined, value: Field, merge: boolean): State[] {
  const times = time?.values ?? [];
  const step = time?.config.interval ?? 0;
  const states: State[] = [];
  times.forEach((start, i) => {
    const next = times[i + 1] ?? Infinity;
    const end = next - start > 1.5 * step ? start + step : next;
    const shown = value.display?.(value.values[i]);
    const text = shown ? formattedValueToString(shown) : '';
    const last = states.at(-1);
    if (merge && last?.text === text && last.end === start) {
      last.end = end;
    } else {
      states.push({ start, end, text, color: shown?.color ?? '' });
    }
  });
  return states;
}
