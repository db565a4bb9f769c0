/**
 * Bars (use of intervals) or a line (voltage and the like) over time, drawn by uPlot.
 *
 * What is missing is drawn as a hatched band over the whole height, so that a gap never looks like a low value. The figure
 * has a sentence as its name, and the page puts a table beside it.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { clockText, timeText } from '../words.ts';

/** One place of the chart. */
export interface ChartPoint {
  readonly fromMs: number;
  readonly toMs: number;
  readonly value: number | null;
  /** The exact value as text. */
  readonly text: string;
}

/** A band that is missing. */
export interface ChartGap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly words: string;
  /** Still to come, or gone. */
  readonly isLost: boolean;
}

interface ChartProps {
  readonly points: readonly ChartPoint[];
  readonly gaps: readonly ChartGap[];
  readonly kind: 'bars' | 'line';
  readonly unit: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly timeZone: string | undefined;
  /** What it shows, in a sentence. */
  readonly label: string;
}

/** The chart with its readout. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const [readout, setReadout] = useState('');
  const [themeTurn, setThemeTurn] = useState(0);
  useEffect(() => {
    const hear = (): void => setThemeTurn((turn) => turn + 1);
    addEventListener('deltawatt-theme', hear);
    return () => removeEventListener('deltawatt-theme', hear);
  }, []);
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const plot = new uPlot(optionsOf(element, props, setReadout), dataOf(props), element);
    const observer = new ResizeObserver(() =>
      plot.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [props.points, props.gaps, props.kind, props.unit, props.fromMs, props.toMs, themeTurn]);
  return (
    <figure>
      <div ref={host} class="chart" role="img" aria-label={props.label} />
      <p class="readout" aria-hidden="true">
        {readout === '' ? 'Point at the chart to read a value.' : readout}
      </p>
    </figure>
  );
}

const middleS = (point: ChartPoint): number => (point.fromMs + point.toMs) / 2_000;

function dataOf(props: ChartProps): uPlot.AlignedData {
  return [props.points.map(middleS), props.points.map((point) => point.value)];
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function optionsOf(element: HTMLElement, props: ChartProps, tell: (text: string) => void): uPlot.Options {
  const { timeZone } = props;
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: colour('--muted'),
    font,
    ticks: { show: false },
    grid: { stroke: colour('--line'), width: 1 },
  };
  const bars = uPlot.paths.bars?.({ size: [0.8, 60], radius: 0.08 });
  const series: uPlot.Series =
    props.kind === 'bars'
      ? {
          fill: colour('--bar'),
          stroke: colour('--bar'),
          width: 0,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        }
      : { stroke: colour('--bar'), width: 1.5, spanGaps: false, points: { show: false } };
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    // Room at the right for half of the last time.
    padding: [12, 22, 0, 0],
    ...(timeZone === undefined ? {} : { tzDate: (atS: number) => uPlot.tzDate(new Date(atS * 1_000), timeZone) }),
    cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { range: [props.fromMs / 1_000, props.toMs / 1_000] },
      y: { range: (_plot, low, high) => rangeOf(props.kind, low, high) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 30,
        space: 84,
        values: (_plot, splits) => splits.map((atS) => tickText(atS * 1_000, props)),
      },
      {
        ...axis,
        size: 64,
        values: (_plot, splits) => splits.map((value) => `${Number(value.toPrecision(6))} ${props.unit}`),
      },
    ],
    series: [{}, series],
    hooks: {
      drawClear: [(plot) => drawGaps(plot, props.gaps)],
      setCursor: [(plot) => tell(readoutOf(plot, props))],
    },
  };
}

/** Bars stand on zero; a line may use the height it needs. */
function rangeOf(kind: ChartProps['kind'], low: number, high: number): [number, number] {
  if (kind === 'bars') return [0, (high ?? 0) > 0 ? high * 1.08 : 1];
  const margin = Math.max((high - low) * 0.15, Math.abs(high) * 0.005, 0.5);
  return [low - margin, high + margin];
}

function tickText(atMs: number, props: ChartProps): string {
  const clock = clockText(atMs, props.timeZone);
  if (props.toMs - props.fromMs <= 36 * 3_600_000) return clock;
  const date = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(props.timeZone === undefined ? {} : { timeZone: props.timeZone }),
  });
  return clock === '00:00' ? date.format(atMs) : `${date.format(atMs)} ${clock}`;
}

function drawGaps(plot: uPlot, gaps: readonly ChartGap[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const gap of gaps) {
    const left = plot.valToPos(gap.fromMs / 1_000, 'x', true);
    const right = Math.max(plot.valToPos(gap.toMs / 1_000, 'x', true), left + 2);
    ctx.fillStyle = colour(gap.isLost ? '--warn-soft' : '--calm-soft');
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.strokeStyle = colour(gap.isLost ? '--warn' : '--line-strong');
    ctx.globalAlpha = 0.55;
    ctx.lineWidth = 1;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (let at = left - bbox.height; at < right; at += 9 * devicePixelRatio) {
      ctx.moveTo(at, bbox.top + bbox.height);
      ctx.lineTo(at + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
    ctx.globalAlpha = 1;
  }
  ctx.restore();
}

function readoutOf(plot: uPlot, props: ChartProps): string {
  const { left } = plot.cursor;
  if (left === undefined || left < 0) return '';
  const atMs = plot.posToVal(left, 'x') * 1_000;
  const point = props.points.find((candidate) => candidate.fromMs < atMs && candidate.toMs >= atMs);
  const gap = props.gaps.find((candidate) => candidate.fromMs < atMs && candidate.toMs >= atMs);
  if (point !== undefined && point.value !== null) {
    const until = clockText(point.toMs, props.timeZone);
    return `${timeText(point.fromMs, props.timeZone)} to ${until}: ${point.text}`;
  }
  return gap === undefined
    ? `${timeText(atMs, props.timeZone)}: no reading`
    : `${timeText(atMs, props.timeZone)}: ${gap.words}`;
}
