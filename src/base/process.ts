/**
 * Child processes, users and the file tree around them, as interfaces: what is needed to supervise a server that is not
 * ours (PostgreSQL). `src/host/process.ts` implements them; a test may stand in its own.
 *
 * Kept apart from `Env`: only the collector's cluster needs it, and the virtual system has no use for it.
 */

/** An account of the operating system. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** How a child is started. */
export interface SpawnOptions {
  /** Runs as this account; absent = ours. Needs the right to change it (root). */
  readonly user?: SystemUser;
  /** Working folder; must be one that the account can enter. */
  readonly folder: string;
  /** The whole environment of the child: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What a finished child left. Output is cut at 64 kB each. */
export interface RunResult {
  /** Exit code, or -1 when a signal or the time limit ended it. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Signals that we send. */
export type SignalName = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

/** A running child. */
export interface ChildProcess {
  readonly pid: number;
  /** Resolves when it ended, with a reason in words. Never rejects. */
  readonly ended: Promise<string>;
  signal(name: SignalName): void;
}

/** What is at a path, symbolic links not followed. */
export interface PathState {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Files, with owners and modes. */
export interface FileTree {
  state(path: string): Promise<PathState | undefined>;
  /** The path without symbolic links, or undefined when there is nothing. */
  realPath(path: string): Promise<string | undefined>;
  /** Text of the file, or undefined when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Replaces the file in one step, synced. */
  writeText(path: string, text: string, mode: number, owner?: SystemUser): Promise<void>;
  /** Makes the folder and its parents; `mode` and `owner` are set on the last one. */
  makeFolder(path: string, mode: number, owner?: SystemUser): Promise<void>;
  /** Copies files, folders and links; only paths (relative, `/` between) for which `wanted` holds. */
  copyTree(from: string, to: string, wanted: (relative: string) => boolean): Promise<void>;
  /** Symbolic link at `path` to `target`, replacing what is there. */
  link(target: string, path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  /** Removes the file or the whole tree; nothing there is fine. */
  remove(path: string): Promise<void>;
}

/** Processes, users and files of this machine. */
export interface ProcessHost {
  /** As Node names it: `linux`, `darwin`, `win32`... */
  readonly platform: string;
  /** As Node names it: `x64`, `arm64`, `arm`... */
  readonly architecture: string;
  /** Effective user id, or null where there are none. */
  readonly userId: number | null;
  /** Folders in which programs are looked for. */
  readonly searchPath: readonly string[];
  /** Folder for temporary files. */
  readonly temporaryFolder: string;
  readonly files: FileTree;
  /** `octets` of the machine's randomness as hex: passwords and names that nobody guesses. */
  randomHex(octets: number): string;
  /** An account by name, or undefined. */
  user(name: string): Promise<SystemUser | undefined>;
  /** Main file of an installed npm package, seen from `from` (another package), or undefined. */
  packageMain(name: string, from?: string): string | undefined;
  /** Runs to the end, at most `timeoutMs`. Rejects only when the program cannot be started. */
  run(
    file: string,
    args: readonly string[],
    options: SpawnOptions & { readonly timeoutMs: number },
  ): Promise<RunResult>;
  /** Starts a child; each line that it prints goes to `line`. Rejects when it cannot be started. */
  spawn(
    file: string,
    args: readonly string[],
    options: SpawnOptions & { readonly line: (text: string) => void },
  ): Promise<ChildProcess>;
  /** Command line of a live process, or undefined when there is none with this id. Empty where it cannot be read. */
  commandLine(pid: number): Promise<string | undefined>;
  /** Sends a signal to a process that we do not hold as a child; false when it is gone. */
  signal(pid: number, name: SignalName): boolean;
}
