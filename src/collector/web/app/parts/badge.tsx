/** A state as a word with a mark: shape and word say it, colour only helps. */
import { COMMAND_STATE_WORDS, METER_STATE_WORDS, type StateWords } from '../words.ts';

const NO_WORDS: StateWords = { words: 'Unknown', tone: 'calm' };

/** State of a meter. */
export function MeterBadge(props: { readonly state: string }) {
  return <Badge state={METER_STATE_WORDS[props.state] ?? NO_WORDS} />;
}

/** State of a command. */
export function CommandBadge(props: { readonly state: string }) {
  return <Badge state={COMMAND_STATE_WORDS[props.state] ?? NO_WORDS} />;
}

/** Any state. */
export function Badge(props: { readonly state: StateWords }) {
  return (
    <span class="badge" data-tone={props.state.tone}>
      {props.state.words}
    </span>
  );
}
