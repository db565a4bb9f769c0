/** What a full journal gives up first; what is not named follows in the order in which it stands here. */
export const EVICTION_ORDER = ['logs', 'low-value', 'oldest'] as const;

/** One of {@link EVICTION_ORDER}. */
export type EvictionClass = (typeof EVICTION_ORDER)[number];
