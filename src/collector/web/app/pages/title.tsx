/** Head of a page; the window's title follows it. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

/** Title, a sentence under it, and what can be done at its right. */
export function Title(props: {
  readonly title: string;
  readonly lead?: ComponentChildren;
  readonly above?: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${props.title} · Deltawatt`;
  }, [props.title]);
  return (
    <div class="head">
      <div>
        {props.above !== undefined && <p class="crumbs">{props.above}</p>}
        <h1>{props.title}</h1>
        {props.lead !== undefined && <p class="lead">{props.lead}</p>}
      </div>
      {props.children}
    </div>
  );
}
