/** Bounds of reading captures, each with its reason. */

/** Octets of one captured packet: the largest IP packet and room for link headers; more is a damaged length. */
export const PACKET_MAX_BYTES = 262_144;
/** Connections followed at once; the one that was silent longest is let go. A concentrator has one a meter. */
export const CONNECTIONS_MAX = 4_096;
/** Octets of one direction that wait for a missing segment; then the hole is told and skipped. */
export const REORDER_MAX_BYTES = 262_144;
/** Segments that wait so: each look for the next one passes over them. */
export const REORDER_MAX_SEGMENTS = 256;
/** Pairs of stations followed on one connection: a bus has a few hundred meters. */
export const ASSOCIATIONS_MAX = 1_024;
/** Long values half joined in one association: invoke ids are 16. */
export const JOINS_MAX = 16;
