/** What is shown while there is nothing to show: loading, empty, failed; each in a sentence. */
import type { ComponentChildren } from 'preact';
import type { Resource } from '../hooks.ts';

/** Shows the resource's data, or says why there is none. */
export function Await<Answer>(props: {
  readonly resource: Resource<Answer>;
  readonly loading: string;
  readonly children: (answer: Answer) => ComponentChildren;
}) {
  const { data, error, reload } = props.resource;
  if (data !== null) {
    return (
      <>
        {error !== null && <p class="note bad" role="alert">{`This may be out of date. ${error}`}</p>}
        {props.children(data)}
      </>
    );
  }
  if (error !== null) {
    return (
      <div class="state error" role="alert">
        <p>{error}</p>
        <button type="button" class="button" onClick={reload}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <div class="state" role="status">
      <p>{props.loading}</p>
    </div>
  );
}

/** Nothing here, and why that is fine or what to do. */
export function Empty(props: { readonly children: ComponentChildren }) {
  return <div class="state">{props.children}</div>;
}
