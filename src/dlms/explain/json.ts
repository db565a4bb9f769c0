/** Values that JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** An object that JSON can carry; keys are written in order. */
export interface JsonObject {
  readonly [key: string]: Json;
}
