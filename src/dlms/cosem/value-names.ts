/** Names of values that several interface classes share. */

import type { ValueNames } from './interface-class.ts';

/** Line speeds of ports and modems, bit/s (classes 19, 23, 24, 25, 27, 74; two independent code bases agree). */
export const BAUD_RATES: ValueNames = {
  0: '300 bit/s',
  1: '600 bit/s',
  2: '1200 bit/s',
  3: '2400 bit/s',
  4: '4800 bit/s',
  5: '9600 bit/s',
  6: '19200 bit/s',
  7: '38400 bit/s',
  8: '57600 bit/s',
  9: '115200 bit/s',
};
