/**
 * From a pushed notification to readings and attributes, by the push lists of a profile.
 *
 * Customer ports send lists in four forms: values alone in a fixed order; OBIS and value in turn, some with scaler and unit
 * behind; structures of OBIS, value, scaler and unit; and a push object list with the values in its order. The first needs
 * the profile's positions, the others name their objects. Units that the frame does not carry come from the profile.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { dateTimeFromOctets } from '../dlms/cosem/datetime.ts';
import { obisFromOctets } from '../dlms/cosem/obis.ts';
import { unitOf } from '../dlms/cosem/unit-table.ts';
import type { MeterAttribute } from '../model/event.ts';
import type { ExactInteger } from '../model/number.ts';
import type { Quality } from '../model/reading.ts';
import { groupOf, type ReadContext, type ReadoutGroup, type ReadoutProblem, type RegisterTime, registerTime, type Scaler } from './readout.ts';
import type { AttributeRule, Profile, PushRule, PushTarget, RegisterRule, ValueClass } from './schema/profile.ts';
import { registerByObis } from './schema/profile.ts';
import { dateTimeOf, integerOf, textOf } from './value.ts';
