/** Variables of the environment that a person names on the command line; no program reads one by itself. */

/** The value of a variable, or undefined when it is not set. */
export function hostVariable(name: string): string | undefined {
  return process.env[name];
}
