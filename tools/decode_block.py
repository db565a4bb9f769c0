#!/usr/bin/env python3
"""Reference decoder of Deltawatt blocks, written from docs/formats/block.md (Python 3, standard library only).

  decode_block.py FILE.json            decodes every chain of a vector file, prints JSON: one list of blocks per chain
  decode_block.py [--dictionary HEX]   decodes blocks from standard input, one in hex per line, oldest first

It is written to be read beside the document, not to be fast: the W-numbers are the document's sentences.
"""

import json
import sys

CRC_TABLE = []
for octet in range(256):
    rest = octet
    for _ in range(8):
        rest = (rest >> 1) ^ (0x82F63B78 if rest & 1 else 0)
    CRC_TABLE.append(rest)

CLOCK_QUALITIES = ["unspecified", "unset", "rtc", "network", "ntp", "collector"]
QUALITIES = ["good", "recovered", "power-down", "clock-adjusted", "clock-invalid", "no-meter-time", "unverified",
             "invalid", "estimated", "manual"]
SEVERITIES = ["info", "warning", "alarm"]
METER_STATES = ["unknown", "reachable", "silent", "garbled", "refused", "babbling", "listening"]
COMMAND_STATES = ["stored", "sent", "accepted", "started", "done", "refused", "failed", "expired", "uncertain",
                  "cancelled"]

TOMBSTONE_CAUSES = ["unspecified", "quota", "age", "disk-full", "unreadable"]

BLOCK_MAX_OCTETS = 4096
BLOCK_MAX_ROWS = 4096
BLOCK_MAX_VALUES = 16384
TIME_BASE_MS = 1577836800000
TIME_MAX_MS = 2 ** 51
VALUE_MIN, VALUE_MAX = -(2 ** 63), 2 ** 64 - 1
SELF_CONTAINED = (0, 1, 5)


class BlockError(Exception):
    """The octets are not a block that this decoder can read."""


def need(condition, what):
    if not condition:
        raise BlockError(what)


def crc32c(octets):
    crc = 0xFFFFFFFF
    for octet in octets:
        crc = (crc >> 8) ^ CRC_TABLE[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFFFFFF


def unzigzag(number):
    return number >> 1 if number % 2 == 0 else -(number >> 1) - 1


class Octets:
    """A cursor over octets."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def left(self):
        return len(self.octets) - self.at

    def take(self, count):
        need(0 <= count <= self.left(), "octets end too early")
        self.at += count
        return self.octets[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def varint(self, bits=64):
        value, shift = 0, 0
        while True:
            octet = self.number(1)
            value |= (octet & 0x7F) << shift
            if octet < 0x80:
                return value & (2 ** bits - 1)
            shift += 7
            need(shift < 70, "a varint is too long")


class Bits:
    """A cursor over bits, most significant first."""

    def __init__(self, octets):
        self.number, self.left = int.from_bytes(octets, "big"), 8 * len(octets)

    def take(self, count):
        need(count <= self.left, "bits end too early")
        self.left -= count
        value = self.number >> self.left
        self.number -= value << self.left
        return value

    def ones(self, most):
        count = 0
        while count < most and self.take(1) == 1:
            count += 1
        return count

    def count(self):
        """W-15: exponential Golomb code of order 0."""
        zeros = 0
        while self.take(1) == 0:
            zeros += 1
            need(zeros < 24, "a count is too long")
        return (1 << zeros) + self.take(zeros) - 1

    def wide(self):
        """W-16: a number with its width in front."""
        width = self.take(7)
        need(width <= 68, "a number is too wide")
        return width if width <= 1 else (1 << (width - 1)) + self.take(width - 1)


# --- values (W-24 to W-29) -------------------------------------------------------------------------------------------

class Column:
    """What the values so far let one expect of the next."""

    def __init__(self, value, delta=None, mean1=0, mean2=0):
        self.value, self.delta, self.mean1, self.mean2 = value, delta, mean1, mean2

    def copy(self):
        return Column(self.value, self.delta, self.mean1, self.mean2)

    def learn(self, value):
        def miss(number):
            zigzag = 2 * number if number >= 0 else -2 * number - 1
            return min(zigzag, 1 << 20) << 4

        difference = value - self.value
        miss1 = miss(difference)
        if self.delta is None:
            self.mean1 = self.mean2 = miss1
        else:
            self.mean1 += (miss1 - self.mean1) >> 2
            self.mean2 += (miss(difference - self.delta) - self.mean2) >> 2
        self.value, self.delta = value, difference

    def read_next(self, bits):
        prediction, k = self.value, 5
        if self.delta is not None:
            if self.mean2 < self.mean1:
                prediction += self.delta
            k = 0
            while (2 << k) * 16 < min(self.mean1, self.mean2):
                k += 1
        ones = bits.ones(14)
        if ones < 4:
            number = (ones << k) + bits.take(k)
        elif ones < 14:
            low = k + 1 + ones - 4
            number = (1 << low) + bits.take(low) + (2 << k)
        else:
            number = bits.wide()
        self.learn(prediction + unzigzag(number))

    def may_be_still(self):
        return self.delta == 0 and self.mean1 < 16


def read_column(bits, column, count):
    """The values of one column in a run, and the column's state behind them."""
    if column is not None and column.may_be_still() and count > 1 and bits.take(1) == 1:
        for _ in range(count):
            column.learn(column.value)
        return [column.value] * count, column
    values = []
    for _ in range(count):
        if column is None:
            column = Column(unzigzag(bits.wide()))
        else:
            column.read_next(bits)
        need(VALUE_MIN <= column.value <= VALUE_MAX, "a value is out of range")
        values.append(column.value)
    return values, column


# --- rows (W-17 to W-23) ---------------------------------------------------------------------------------------------

class Group:
    """The state of a group: last time, step, marks, columns."""

    def __init__(self, at_ms, step_ms, marks, columns):
        self.at_ms, self.step_ms, self.marks, self.columns = at_ms, step_ms, marks, columns


PLAIN_MARKS = (b"", 0, None)


def read_time(bits, unit_ms):
    return unzigzag(bits.wide()) * unit_ms if bits.take(1) else 0


def read_marks(bits):
    length = bits.take(4)
    need(length <= 8, "a status is too long")
    status = bytes(bits.take(8) for _ in range(length))
    quality = bits.count()
    need(quality < len(QUALITIES), "unknown quality")
    deviation = unzigzag(bits.wide()) if bits.take(1) else None
    return (status, quality, deviation)


def read_interval_body(octets, dictionary, groups, from_ms, unit_ms):
    head = Octets(octets)
    run_count, common_rows = head.varint(), head.varint()
    bits = Bits(head.take(head.left()))
    need(0 < run_count <= bits.left and common_rows > 0, "run counts")
    after, rows, values, next_group = dict(groups), [], 0, 0
    plain_runs = bits.count()
    for run in range(run_count):
        plain = plain_runs > 0
        number = next_group + (0 if plain else bits.count())
        count = common_rows if plain else bits.count() + 1
        need(number < len(dictionary), "a group is not in the dictionary")
        definition = dictionary[number]
        width = len(definition["columns"])
        values += count * width
        need(len(rows) + count <= BLOCK_MAX_ROWS and values <= BLOCK_MAX_VALUES, "too many rows")
        state = groups.get(number)
        if state is None:
            last_ms, step_ms, marks = None, definition["intervalS"] * 1000, PLAIN_MARKS
            at_ms, columns = from_ms, [None] * width
        else:
            last_ms, step_ms, marks = state.at_ms, state.step_ms, state.marks
            at_ms, columns = last_ms + step_ms, [column and column.copy() for column in state.columns]
        run_rows = read_run_head(bits, plain, number, count, at_ms, step_ms, marks, width, unit_ms)
        for row in run_rows:
            need(abs(row["atMs"]) <= TIME_MAX_MS, "a time is out of range")
        present = None if plain else read_presence(bits, run_rows, width)
        for index in range(width):
            holders = run_rows if present is None else present[index]
            found, columns[index] = read_column(bits, columns[index], len(holders))
            for row, value in zip(holders, found):
                row["values"][index] = value
        last = run_rows[-1]
        if definition["intervalS"] == 0:
            before = run_rows[-2]["atMs"] if count > 1 else last_ms
            step_ms = 0 if before is None else last["atMs"] - before
        after[number] = Group(last["atMs"], step_ms, last["marks"], columns)
        rows += run_rows
        next_group = number + 1
        if plain:
            plain_runs -= 1
        elif run + 1 < run_count:
            plain_runs = bits.count()
    need(plain_runs == 0 and bits.left < 8 and bits.take(bits.left) == 0, "octets behind the last run")
    return rows, after


def read_run_head(bits, plain, number, count, at_ms, step_ms, marks, width, unit_ms):
    if not plain:
        at_ms += read_time(bits, unit_ms)
    in_step = plain or bits.take(1) == 1
    rows = []
    for at in range(count):
        if at > 0:
            at_ms += step_ms + (0 if in_step else read_time(bits, unit_ms))
        rows.append({"group": number, "atMs": at_ms, "marks": marks, "values": [None] * width})
    if not plain and bits.take(1) == 0:
        for row in rows:
            if bits.take(1) == 0:
                marks = read_marks(bits)
            row["marks"] = marks
    return rows


def read_presence(bits, rows, width):
    if bits.take(1) == 1:
        return None
    return [rows if bits.take(1) == 1 else [row for row in rows if bits.take(1) == 1] for _ in range(width)]


# --- the state between blocks (W-30, W-31) ---------------------------------------------------------------------------

class Lane:
    """The state of a lane behind a block."""

    def __init__(self, sequence=0, keyframe=0, groups=None):
        self.sequence, self.keyframe, self.groups = sequence, keyframe, groups or {}

    def serialize(self):
        out = bytearray([1])

        def varint(value):
            while value >= 0x80:
                out.append((value & 0x7F) | 0x80)
                value >>= 7
            out.append(value)

        def signed(value):
            varint(2 * value if value >= 0 else -2 * value - 1)

        for number in (self.sequence, self.keyframe, len(self.groups)):
            varint(number)
        for number in sorted(self.groups):
            group = self.groups[number]
            status, quality, deviation = group.marks
            varint(number)
            signed(group.at_ms)
            signed(group.step_ms)
            out.append(len(status))
            out.extend(status)
            out.append(quality)
            out.append(0 if deviation is None else 1)
            out.extend((deviation or 0).to_bytes(2, "big", signed=True))
            varint(len(group.columns))
            for column in group.columns:
                out.append(0 if column is None else 1 if column.delta is None else 2)
                if column is not None:
                    signed(column.value)
                    if column.delta is not None:
                        signed(column.delta)
                        varint(column.mean1)
                        varint(column.mean2)
        return bytes(out)


# --- blocks (W-12 to W-14) -------------------------------------------------------------------------------------------

def read_tombstone(reader):
    """W-32 to W-35: what stands for lost blocks."""
    lane, cause = reader.number(1), reader.number(1)
    need(lane <= 5, "lane")
    epoch, to, prev_hash = reader.take(8).hex(), reader.varint(), reader.take(8).hex()
    first, head_hash = to - reader.varint(), reader.take(8).hex()
    written_at_ms = unzigzag(reader.varint()) + TIME_BASE_MS
    from_ms = written_at_ms - unzigzag(reader.varint())
    to_ms = from_ms + reader.varint()
    dictionary_hash, groups = None, []
    if lane not in SELF_CONTAINED:
        dictionary_hash = reader.take(8).hex()
        count = reader.varint()
        bits = Bits(reader.take((count + 7) // 8))
        groups = [group for group in range(bits.left) if bits.take(1) == 1]
    need(1 <= first <= to and reader.left() == 0, "sequence")
    return {"lane": lane, "epoch": epoch, "sequence": to, "prevHash": prev_hash, "dictionaryHash": dictionary_hash,
            "fromMs": from_ms, "toMs": to_ms, "readAtMs": written_at_ms,
            "tombstone": {"from": first, "headHash": head_hash,
                          "cause": TOMBSTONE_CAUSES[cause] if cause < len(TOMBSTONE_CAUSES) else "unspecified",
                          "groups": groups}}


def decode_block(octets, lane_state, dictionary):
    """Header, rows, records and the lane's state behind the block; raises BlockError."""
    need(4 < len(octets) <= BLOCK_MAX_OCTETS, "length")
    need(octets[0] in (1, 2), "unknown format")
    need(crc32c(octets[:-4]) == int.from_bytes(octets[-4:], "big"), "checksum")
    reader = Octets(octets[1:-4])
    if octets[0] == 2:
        return read_tombstone(reader), [], [], Lane()
    lane_and_flags, clock_quality = reader.number(1), reader.number(1)
    lane, flags = lane_and_flags & 0x0F, lane_and_flags & 0xF0
    need(lane <= 5 and flags & ~0x30 == 0 and clock_quality < len(CLOCK_QUALITIES), "lane or flags")
    unit_ms = 1000 if flags & 0x10 else 1
    epoch, sequence, prev_hash = reader.take(8).hex(), reader.varint(), reader.take(8).hex()
    dictionary_hash = None if lane in SELF_CONTAINED else reader.take(8).hex()
    keyframe = sequence if lane in SELF_CONTAINED else sequence - reader.varint()
    check = reader.number(4) if flags & 0x20 else None
    read_at_ms = unzigzag(reader.varint()) + TIME_BASE_MS
    from_ms = (read_at_ms // unit_ms - unzigzag(reader.varint())) * unit_ms
    to_ms = from_ms + reader.varint() * unit_ms
    need(1 <= keyframe <= sequence and (check is None or keyframe == sequence), "sequence")
    header = {"lane": lane, "epoch": epoch, "sequence": sequence, "keyframe": keyframe, "prevHash": prev_hash,
              "dictionaryHash": dictionary_hash, "fromMs": from_ms, "toMs": to_ms, "readAtMs": read_at_ms,
              "clockQuality": CLOCK_QUALITIES[clock_quality], "stateCheck": check}
    body = reader.take(reader.left())
    if lane in SELF_CONTAINED:
        return header, [], read_records(body), lane_state
    groups = {}
    if keyframe != sequence:
        need(lane_state.sequence == sequence - 1 and lane_state.keyframe == keyframe, "the block before is missing")
        groups = lane_state.groups
    elif check is not None and lane_state.sequence == sequence - 1 and lane_state.sequence > 0:
        need(crc32c(lane_state.serialize()) == check, "the chain of states went astray")
    rows, after = read_interval_body(body, dictionary, groups, from_ms, unit_ms)
    times = [row["atMs"] for row in rows]
    need(min(times) == from_ms and max(times) == to_ms, "time span")
    return header, rows, [], Lane(sequence, keyframe, after)


# --- protobuf: dictionaries and records ------------------------------------------------------------------------------

def fields(octets):
    """Field number to list of values, in order; numbers stay unsigned, submessages and texts stay octets."""
    reader, found = Octets(octets), {}
    while reader.left() > 0:
        tag = reader.varint()
        wire_type = tag & 7
        if wire_type == 0:
            value = reader.varint()
        elif wire_type == 1:
            value = reader.take(8)
        elif wire_type == 2:
            value = reader.take(reader.varint())
        elif wire_type == 5:
            value = reader.take(4)
        else:
            raise BlockError("unknown wire type")
        found.setdefault(tag >> 3, []).append(value)
    return found


def text(message, number):
    return message.get(number, [b""])[-1].decode("utf-8")


def number_of(message, number):
    return message.get(number, [0])[-1]


def signed_of(message, number):
    """int64: two's complement of 64 bits."""
    value = number_of(message, number)
    return value - 2 ** 64 if value >= 2 ** 63 else value


def read_dictionary(octets):
    groups = []
    for group in map(fields, fields(octets).get(1, [])):
        columns = [{"obis": text(column, 1), "exponent": unzigzag(number_of(column, 2)), "unit": text(column, 3)}
                   for column in map(fields, group.get(4, []))]
        groups.append({"meterId": text(group, 1), "intervalS": number_of(group, 2), "columns": columns})
    return groups


def read_event(message):
    return {"kind": "event", "event": {
        "meterId": text(message, 1) or None, "log": text(message, 2), "code": unzigzag(number_of(message, 3)),
        "name": text(message, 4), "sentence": text(message, 5), "atMs": signed_of(message, 6),
        "severity": SEVERITIES[number_of(message, 7)]}}


def read_attribute(message):
    return {"kind": "attribute", "attribute": {
        "meterId": text(message, 1), "obis": text(message, 2), "name": text(message, 3), "text": text(message, 4),
        "readAtMs": signed_of(message, 5)}}


def read_meter_state(message):
    return {"kind": "meter-state", "state": {
        "meterId": text(message, 1), "state": METER_STATES[number_of(message, 2)], "sentence": text(message, 3),
        "sinceMs": signed_of(message, 4)}}


def read_object_value(message):
    reference = fields(message.get(1, [b""])[-1])
    value = {"classId": number_of(reference, 1), "obis": text(reference, 2), "attribute": signed_of(reference, 3),
             "result": number_of(message, 2), "raw": message.get(7, [b""])[-1].hex()}
    if 3 in message:
        exact = int(text(message, 3))
        # As JSON: integers beyond 2^53 - 1 are texts.
        value["value"] = exact if abs(exact) < 2 ** 53 else str(exact)
        value["exponent"] = unzigzag(number_of(message, 4))
        value["unit"] = text(message, 5)
    if 6 in message:
        value["text"] = text(message, 6)
    return value


def read_command(message):
    report = {"id": text(message, 1), "meterId": text(message, 2), "state": COMMAND_STATES[number_of(message, 3)],
              "code": text(message, 4), "sentence": text(message, 5), "atMs": signed_of(message, 6),
              "values": [read_object_value(fields(value)) for value in message.get(7, [])]}
    if 8 in message:
        relay = fields(message[8][-1])
        report["relay"] = {"outputOn": number_of(relay, 1) == 1, "controlState": number_of(relay, 2)}
    return {"kind": "command", "report": report}


def read_gap(message):
    return {"kind": "gap", "gap": {
        "meterId": text(message, 1), "obis": [obis.decode() for obis in message.get(2, [])],
        "intervalS": number_of(message, 3), "fromMs": signed_of(message, 4), "toMs": signed_of(message, 5),
        "cause": text(message, 6)}}


def read_log(message):
    return {"kind": "log", "level": text(message, 1), "event": text(message, 2), "atMs": signed_of(message, 3),
            "fieldsJson": text(message, 4)}


RECORD_READERS = {1: read_event, 2: read_attribute, 3: read_meter_state, 4: read_command, 5: read_gap, 6: read_log}


def read_records(octets):
    records = []
    for record in map(fields, fields(octets).get(1, [])):
        kinds = [kind for kind in record if kind in RECORD_READERS]
        need(len(kinds) == 1, "a record of unknown kind")
        records.append(RECORD_READERS[kinds[0]](fields(record[kinds[0]][-1])))
    return records


# --- command line ----------------------------------------------------------------------------------------------------

def as_json(row):
    status, quality, deviation = row["marks"]
    values = [None if value is None else str(value) for value in row["values"]]
    return {"group": row["group"], "atMs": row["atMs"], "status": status.hex(), "quality": QUALITIES[quality],
            "deviationMin": deviation, "values": values}


def decode_chain(dictionary_hex, blocks_hex):
    dictionary = read_dictionary(bytes.fromhex(dictionary_hex))
    state, found = Lane(), []
    for block in blocks_hex:
        header, rows, records, state = decode_block(bytes.fromhex(block), state, dictionary)
        found.append({"header": header, "rows": [as_json(row) for row in rows], "records": records})
    return found


def main(arguments):
    if len(arguments) == 1 and not arguments[0].startswith("-"):
        with open(arguments[0], encoding="utf-8") as file:
            vectors = json.load(file)
        result = [decode_chain(chain["dictionary"], [block["hex"] for block in chain["blocks"]])
                  for chain in vectors["chains"]]
    elif not arguments or (len(arguments) == 2 and arguments[0] == "--dictionary"):
        result = decode_chain(arguments[1] if arguments else "", sys.stdin.read().split())
    else:
        print(__doc__, file=sys.stderr)
        return 2
    json.dump(result, sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BlockError, ValueError) as problem:
        print(f"not a block: {problem}", file=sys.stderr)
        sys.exit(1)
