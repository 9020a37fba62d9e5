import type { AnnotationEvent, AnnotationSupport, DataFrame } from '@grafana/data';
import { of } from 'rxjs';

export const annotations: AnnotationSupport = {
  prepareAnnotation: (annotation) => annotation,
  prepareQuery: (annotation) => annotation.target,
  processEvents: (_, frames) => of(frames.flatMap(eventsOf)),
};

/** Consecutive samples form one event. As in Grafana, only values above 0 are events. */
function eventsOf({ fields: [time, value] }: DataFrame): AnnotationEvent[] {
  const step = time?.config.interval ?? 0;
  const events: Array<{ time: number; timeEnd: number }> = [];
  time?.values.forEach((at: number, i) => {
    if (!(value?.values[i] > 0)) {
      return;
    }
    const last = events.at(-1);
    if (last && at - last.timeEnd <= step) {
      last.timeEnd = at;
    } else {
      events.push({ time: at, timeEnd: at });
    }
  });
  return events;
}
