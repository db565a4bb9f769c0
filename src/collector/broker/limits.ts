/** Bounds of the embedded broker. */
import { ENVELOPE_BODY_MAX_OCTETS } from '../../wire/limits.ts';

/** Octets that a stranger may send before CONNACK: an honest CONNECT has under 200. */
export const BEFORE_CONNACK_BYTES = 8_192;
/** Time from the connection to CONNACK. */
export const CONNECT_TIMEOUT_MS = 5_000;
/** Largest packet: a dictionary in its envelope, its topic and the MQTT header. */
export const PACKET_MAX_BYTES = ENVELOPE_BODY_MAX_OCTETS + 1_024;
/** Octets of a connection that wait for the broker; a client that is further ahead is cut. */
export const CONNECTION_BACKLOG_BYTES = 2 * PACKET_MAX_BYTES;
/** Connections at once: the embedded broker is for small sites, fleets have a broker of their own. */
export const CONNECTIONS = 2_000;
/** Connections of one address in {@link ADDRESS_WINDOW_MS}: an edge that backs off as it should makes a few. */
export const ADDRESS_CONNECTIONS = 120;
/** Window of {@link ADDRESS_CONNECTIONS}. */
export const ADDRESS_WINDOW_MS = 60_000;
/** Addresses remembered for the rate; beyond, the oldest is forgotten. */
export const ADDRESSES = 10_000;
/** Packets of one client under way in the broker. */
export const CLIENT_CONCURRENCY = 16;
/** QoS 2 messages of one client under way; nobody of ours uses QoS 2. */
export const QOS2_INFLIGHT = 4;
/** Longest password that is hashed at all, in octets. */
export const PASSWORD_MAX_BYTES = 256;
/** Random octets of a broker password: 192 bits, 32 letters as base64url. */
export const PASSWORD_BYTES = 24;
