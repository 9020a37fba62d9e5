import type { AnnotationEvent, DataFrame } from '@grafana/data';
import { config } from '@grafana/runtime';
import type { UPlotConfigBuilder } from '@grafana/ui';
import { useLayoutEffect, useRef } from 'react';
import type uPlot from 'uplot';

/** A dashed line at the beginning and at the end of an event, shaded between, as in Grafana. */
export function AnnotationLines({ builder, frames }: { builder: UPlotConfigBuilder; frames: DataFrame[] }) {
  const newest = useRef(frames);
  newest.current = frames;
  const graph = useRef<uPlot>(null);
  useLayoutEffect(() => {
    builder.addHook('init', (plot) => {
      graph.current = plot;
    });
    builder.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      newest.current.flatMap(eventsOf).forEach((event) => draw(plot, event));
      ctx.restore();
    });
  }, [builder]);
  // The events may arrive after the graph has been drawn.
  useLayoutEffect(() => graph.current?.redraw(false), [frames]);
  return null;
}

type Event = Required<Pick<AnnotationEvent, 'time' | 'timeEnd' | 'isRegion' | 'color'>>;

function eventsOf({ length, fields }: DataFrame): Event[] {
  const column = (name: string) => fields.find((field) => field.name === name)?.values ?? [];
  const [time, timeEnd, isRegion, color] = ['time', 'timeEnd', 'isRegion', 'color'].map(column);
  return Array.from({ length }, (_, i) => ({
    time: time?.[i],
    timeEnd: timeEnd?.[i],
    isRegion: isRegion?.[i],
    color: color?.[i],
  }));
}

function draw(plot: uPlot, { time, timeEnd, isRegion, color }: Event): void {
  const { ctx, bbox } = plot;
  const line = (x: number) => {
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  };
  const left = plot.valToPos(time, 'x', true);
  const right = plot.valToPos(timeEnd, 'x', true);
  ctx.strokeStyle = ctx.fillStyle = config.theme2.visualization.getColorByName(color);
  ctx.lineWidth = 2;
  ctx.setLineDash([5, 5]);
  line(left);
  if (isRegion) {
    ctx.globalAlpha = 0.1;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.globalAlpha = 1;
    line(right);
  }
}
