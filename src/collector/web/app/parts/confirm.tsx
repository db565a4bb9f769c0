/** A question before something that people feel: the meter's id has to be typed. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** A modal question; `typed` must be written before `yes` can be pressed. */
export function Confirm(props: {
  readonly title: string;
  readonly text: string;
  readonly typed: string;
  readonly yes: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const isRight = text.trim() === props.typed;
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" onClose={props.onNo}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isRight) props.onYes();
        }}
      >
        <h2 id="confirm-title">{props.title}</h2>
        <p>{props.text}</p>
        <label class="field">
          <span>
            Type <code>{props.typed}</code> to go on
          </span>
          <input
            type="text"
            value={text}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <footer>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="button danger main" disabled={!isRight}>
            {props.yes}
          </button>
        </footer>
      </form>
    </dialog>
  );
}
