/** Bounds of the framing layers, each with its reason. */

/** The length field of an HDLC frame has 11 bits and counts everything between the flags. */
export const HDLC_FRAME_MAX_BYTES = 2_047;
/** Format 2, two addresses of one octet, control 1, FCS 2: nothing shorter is a frame. */
export const HDLC_FRAME_MIN_BYTES = 7;
/** Information field length when nothing is negotiated (class 23 default). */
export const HDLC_INFORMATION_DEFAULT_BYTES = 128;
/** Shortest information field that may be negotiated (class 23). */
export const HDLC_INFORMATION_MIN_BYTES = 32;
/** Longest information field (class 23); with the longest header it fits the 11-bit length. */
export const HDLC_INFORMATION_MAX_BYTES = 2_030;
/** Window size when nothing is negotiated. */
export const HDLC_WINDOW_DEFAULT = 1;
/** Most frames on their way that sequence numbers modulo 8 can tell apart. */
export const HDLC_WINDOW_MAX = 7;
/** Octets of noise in one `discarded` event; a longer run becomes several, so a babbling line costs bounded memory. */
export const NOISE_RUN_MAX_BYTES = 256;
/** Silence inside a frame after which it is given up: USB adapters alone add 16 ms, 20 characters at 2,400 Bd take 92 ms. */
export const FRAME_GAP_DEFAULT_MS = 250;
/** Default bound of one joined APDU: a 16-bit wrapper length; block transfer carries anything longer. */
export const APDU_MAX_BYTES = 65_535;
/** Bound of a message joined from pushed blocks (general-block-transfer): 1 MiB, as the block procedure recommends. */
export const PUSH_MESSAGE_MAX_BYTES = 1_048_576;
/** Meters pause up to 3 s between segments of one push; beyond this the rest is given up. */
export const PUSH_REASSEMBLY_DEFAULT_MS = 5_000;
/** A listener hears few meters on one line; the oldest half-joined message goes when there are more. */
export const PUSH_SENDERS_MAX = 32;
/** Segments that may wait in a data link: two longest APDUs in the smallest fields; the session above has one in flight. */
export const LINK_SEGMENTS_MAX = 4_098;
/** Clients (source addresses) that one HDLC server keeps state for; the longest idle one goes. */
export const HDLC_CLIENTS_MAX = 16;
/** APDUs that nobody asked for and that wait for the token, by client: a burst of events; what is older is dropped. */
export const HDLC_UNASKED_MAX = 16;
/** Poll pause while the peer says "receive not ready". */
export const RNR_POLL_MS = 500;
/** First octets of the information of an HDLC message: LLC destination, source, quality. */
export const LLC_BYTES = 3;
/** A P1 telegram with 20 power failures, 13 monthly peaks and four sub-meters has about 3,500 octets. */
export const P1_TELEGRAM_MAX_BYTES = 8_192;
/** A file of SML with 40 values has about 1,200 octets. */
export const SML_FILE_MAX_BYTES = 8_192;
/** Characters of a device address in a sign-on request (IEC 62056-21). */
export const SIGN_ON_ADDRESS_MAX_CHARACTERS = 32;
/** Octets kept of an answer to a sign-on: echo of the longest request, noise and an identification of 24 characters. */
export const SIGN_ON_ANSWER_MAX_BYTES = 256;
/** Octets of one ASCII message (IEC 62056-21): a load profile of 40 days with 4 channels is 150 kB, and asked for in slices. */
export const ASCII_MESSAGE_MAX_BYTES = 65_536;
/** Parts of one answer to a formatted read (R6): a meter that says "another one follows" for ever is cut off here. */
export const ASCII_PARTS_MAX = 256;
/** Requests that an invoke id of four bits can tell apart: more cannot be on their way at once. */
export const INVOKE_IDS = 16;

/** Characters of the DLMS id that a PRIME base node tells of a meter: the field's maximum; Spanish meters have 13. */
export const PRIME_SERIAL_MAX_OCTETS = 16;
/** Payload of one USI frame: 11 bits of length. */
export const USI_PAYLOAD_MAX_BYTES = 2_047;
/** Longest IPv6 packet that is sent into a network of G3 meters: the MTU that every IPv6 link has at least (RFC 8200, clause 5). */
export const IPV6_PACKET_MAX_BYTES = 1_280;
