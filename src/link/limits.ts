/** Bounds of links, each with its reason. */

/** Slowest rate: where optical heads begin. */
export const BAUD_MIN = 300;
/** Fastest rate that serial ports of concentrators know. */
export const BAUD_MAX = 921_600;
/** Longest APDU over any link: the 16-bit length of the wrapper. */
export const LINK_PDU_MAX_BYTES = 65_535;
/** Longest pause of a sign-on that makes sense to set: slow meters need seconds, none needs a minute. */
export const OPTICAL_PAUSE_MAX_MS = 60_000;
/** Wait for a TCP connection: a mobile modem that wakes up takes seconds. */
export const CONNECT_TIMEOUT_DEFAULT_MS = 10_000;
/** Octets of an expected echo: what one request window can be at most (7 frames of 2,049 octets). */
export const ECHO_MAX_BYTES = 14_343;
/** Steps that a machine may take in one turn before the driver calls it a fault: each step sends or tells something. */
export const DRIVE_STEPS_MAX = 10_000;
/** Port that DLMS over TCP is registered for. */
export const DLMS_PORT = 4059;
/** Meters behind one modem: far above the 2,000 of the largest base node that is described, and a bound for one that counts without end. */
export const PLC_NODES_MAX = 4_096;
/** Longest APDU that a modem of a PRIME network takes, octets. */
export const PRIME_APDU_MAX_BYTES = 1_021;
/** Silence after which a request cannot be in the modem of a PRIME base node any more: its longest stall is 40 s, and one may come before. */
export const PRIME_HELD_MS = 45_000;
/** Silence over a network on the power line that is long enough to make way: answers take 1 to 4 s, now and then 9. */
export const PLC_ANSWER_WINDOW_MS = 12_000;
/** Longest APDU to a G3 meter, octets: an IPv6 packet of 1,280 less the headers of IPv6, UDP and the wrapper. */
export const G3_APDU_MAX_BYTES = 1_224;
/** Devices on one memory bus: 32 unit loads of RS-485 times 8 for transceivers of an eighth. */
export const MEMORY_BUS_DEVICES_MAX = 256;
/** Pieces that wait on a memory line for somebody to listen; a wire keeps none, an operating system some. */
export const EARLY_PIECES_MAX = 64;

/** Wait for the answer of a Modbus device, ms, unless its line says otherwise. */
export const MODBUS_ANSWER_MS = 1_000;
