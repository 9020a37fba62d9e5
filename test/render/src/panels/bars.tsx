import { dateTimeFormat, dateTimeForTimeZone, type TimeRange } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';
import type { Row, State } from './states';

interface Props {
  rows: Row[];
  range: TimeRange;
  timeZone: string;
  width: number;
  height: number;
  /** Height of a bar, as a share of its row. */
  thickness: number;
  /** Gap between two bars of a row, in pixels. */
  space: number;
}

const axisHeight = 20;
const letterWidth = 7;
const tickWidth = 60;

/** Rows of bars above a time axis. */
export function Bars({ rows, range, timeZone, width, height, thickness, space }: Props) {
  const { text } = useTheme2().colors;
  const [from, to] = [range.from.valueOf(), range.to.valueOf()];
  const longest = Math.max(...rows.map(({ name }) => name.length));
  const left = Math.min(longest * 7 + 16, width / 3);
  const rowHeight = (height - axisHeight) / rows.length;
  const barHeight = rowHeight * thickness;
  const x = (time: number) => {
    const shown = Math.min(Math.max(time, from), to);
    return left + ((shown - from) / (to - from)) * (width - left);
  };

  const bar = ({ start, end, text: label, color }: State, middle: number) => {
    const barWidth = Math.max(1, x(end) - x(start) - space);
    return (
      <g key={start}>
        <rect
          x={x(start)}
          y={middle - barHeight / 2}
          width={barWidth}
          height={barHeight}
          fill={color}
          fillOpacity={0.7}
        />
        {label.length * letterWidth < barWidth && (
          <text x={x(start) + 4} y={middle} dominantBaseline="middle" fill={text.primary}>
            {label}
          </text>
        )}
      </g>
    );
  };

  const row = ({ name, states }: Row, i: number) => {
    const middle = (i + 0.5) * rowHeight;
    return (
      <g key={i}>
        <text x={left - 8} y={middle} textAnchor="end" dominantBaseline="middle" fill={text.primary}>
          {name}
        </text>
        {states.map((state) => bar(state, middle))}
      </g>
    );
  };

  const step = steps.find((step) => ((width - left) * step) / (to - from) >= tickWidth) ?? to - from;
  const offset = dateTimeForTimeZone(timeZone, from).utcOffset() * minute;
  const first = Math.ceil((from + offset) / step) * step - offset;
  const ticks = Array.from({ length: Math.floor((to - first) / step) + 1 }, (_, i) => first + i * step);
  const tick = (time: number) => (
    <text key={time} x={x(time)} y={height - 5} textAnchor="middle" fill={text.secondary}>
      {dateTimeFormat(time, { timeZone, format: formatFor(step) })}
    </text>
  );

  return (
    <svg width={width} height={height} style={{ fontSize: 12 }}>
      {rows.map(row)}
      {ticks.map(tick)}
    </svg>
  );
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [minute, 5 * minute, 30 * minute, hour, 6 * hour, day, 2 * day, 5 * day, 10 * day, 30 * day];

const formatFor = (step: number) => (step < day ? 'HH:mm' : 'MM/DD');
