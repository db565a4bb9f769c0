/**
 * The console in a real Chromium, served by the real API over a small town in memory: states that a desk does not show in
 * half a minute, such as gaps, failed commands and the inbox. Pictures go to reports/; those of the documents come from
 * `demo.test.ts`, where every part is the real one.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { createApi } from '../../src/collector/api/server.ts';
import { createAuth } from '../../src/collector/auth/auth.ts';
import { createDesk } from '../../src/collector/commands/desk.ts';
import { createCommissioner } from '../../src/collector/commissioning/commissioner.ts';
import { createImporter } from '../../src/collector/import/importer.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { HOST_DISK } from '../../src/host/disk.ts';
import { DEFAULT_TENANT } from '../../src/model/ids.ts';
import { fakeEnv, START_MS } from '../unit/collector/fake-env.ts';
import { SHOWN, town } from './console-data.ts';

const PROGRAM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const ROOT = join(import.meta.dirname, '..', '..');
const WEB = join(ROOT, 'dist', 'collector', 'web', 'static');
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function collector() {
  const { env: fake } = fakeEnv();
  const env = { ...fake, disk: HOST_DISK };
  const store = town();
  const auth = createAuth({ env, store });
  const sent: Uint8Array[] = [];
  const commands = createDesk({
    env,
    store,
    key: HOST_CRYPTO.newSigningKey(),
    publisher: {
      sendRereads: async () => false,
      async sendCommand(_edgeId, command) {
        sent.push(command);
        return true;
      },
    },
  });
  const enroller = {
    adopt: async (edgeId: never) => {
      const edge = store.edgeMap.get(edgeId);
      if (edge !== undefined) store.edgeMap.set(edgeId, { ...edge, state: 'active' });
      store.emit({ kind: 'edge', edgeId });
      return {
        edgeId,
        url: 'mqtt://127.0.0.1:1883',
        password: 'told-once',
        key: '00',
        commandPublicKey: '01',
        limitsPublicKey: '02',
      };
    },
    deactivate: async () => true,
  };
  const api = await createApi(
    {
      env,
      store,
      auth,
      commands,
      enroller,
      importer: createImporter({ env, store }),
      commissioner: createCommissioner({ env, store }),
    },
    { host: '127.0.0.1', port: 0, webFolder: WEB, processMetrics: false },
  );
  const { url } = await api.listen();
  const close = async (): Promise<void> => {
    commands.close();
    await api.close();
  };
  return { store, auth, sent, url, close };
}

/** A page that notes every request beyond the collector and every complaint of the browser. */
async function watched(context: BrowserContext, url: string) {
  const page = await context.newPage();
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:') && !request.url().startsWith('blob:'))
      foreign.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.clock.setFixedTime(START_MS);
  return { page, foreign, complaints };
}

/**
 * What runs in the page, as text: the tests are compiled without the types of a browser, and a bundler's helper names do
 * not exist there.
 */
const IN_PAGE = {
  theme: 'document.documentElement.dataset.theme',
  focusedText: 'document.activeElement.textContent',
  focusedId: 'document.activeElement.id',
  /** Clicks the focused button; the label of the field that has the focus before the browser paints again. */
  focusedAtOnce: `(() => { document.activeElement.click(); return Promise.resolve().then(() => 0).then(() => document.activeElement.closest('label')?.firstChild.textContent); })()`,
  focusedOutline: 'getComputedStyle(document.activeElement).outlineStyle',
  widest: `[...document.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 8).map((e) => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right)).join('; ')`,
  overhangPx: 'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  /** Share of the first canvas that is painted. */
  painted: `(() => {
    const canvas = document.querySelector('canvas');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let painted = 0;
    for (let at = 3; at < pixels.length; at += 4) if (pixels[at] > 0) painted += 1;
    return painted / (canvas.width * canvas.height);
  })()`,
  /** Octets of the colour behind an element and of its text; Chromium paints them, for it knows all their notations. */
  colours: (selector: string) => `(() => {
    const element = document.querySelector(${JSON.stringify(selector)});
    const layers = [getComputedStyle(element).color];
    for (let at = element; at !== null; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    return layers.map((layer) => {
      canvas.fillStyle = layer;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    }).slice(-2);
  })()`,
} as const;

/** Contrast of an element's text with what is behind it (WCAG 2.2, 1.4.3). */
async function contrastOf(page: Page, selector: string): Promise<number> {
  const [behind, ink] = await page.evaluate<number[][]>(IN_PAGE.colours(selector));
  const [low, high] = [luminance(behind ?? []), luminance(ink ?? [])].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(octets: readonly number[]): number {
  const [red = 0, green = 0, blue = 0] = octets.map((octet) =>
    octet / 255 <= 0.04045 ? octet / 255 / 12.92 : ((octet / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

if (PROGRAM === undefined) {
  test('console', { skip: 'Chromium is not installed' }, () => {});
} else {
  let browser: Browser;
  let site: Awaited<ReturnType<typeof collector>>;
  let token: string;

  before(async () => {
    execFileSync(process.execPath, [join(ROOT, 'tools', 'build-web.mjs')]);
    mkdirSync(join(ROOT, 'reports'), { recursive: true });
    site = await collector();
    token = (await site.auth.issue({ name: 'Maria K.', role: 'admin', tenantId: DEFAULT_TENANT }, 'test')).text;
    browser = await chromium.launch({ executablePath: PROGRAM, headless: true, args: FLAGS });
  });
  after(async () => {
    await browser.close();
    await site.close();
  });

  const enter = async (options: Parameters<Browser['newContext']>[0] = {}) => {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 960 },
      locale: 'en-GB',
      timezoneId: 'Europe/Athens',
      reducedMotion: 'reduce',
      ...options,
    });
    const seen = await watched(context, site.url);
    await seen.page.goto(`${site.url}/#/enter?token=${token}`);
    await seen.page.getByRole('link', { name: /Meters not read/ }).waitFor();
    return { context, ...seen };
  };

  test('IT-12 the first page shows what needs someone before any total, and each number leads to its list', async () => {
    const { context, page, foreign, complaints } = await enter();
    assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), '6 things need you');
    assert.doesNotMatch(page.url(), /dw_/, 'the token is taken out of the address');
    const tiles = await page.locator('.tile').allTextContents();
    assert.deepEqual(
      tiles.map((text) => /^\d+/.exec(text)?.[0]),
      ['3', '2', '1', '1', '1', '1'],
    );
    const order = await page
      .locator('.tile, #fleet-title')
      .evaluateAll((elements) => elements.map((element) => (element as unknown as { id: string }).id || 'tile'));
    assert.equal(order.indexOf('fleet-title'), order.length - 1, 'totals come last');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.screenshot({ path: join(ROOT, 'reports', 'town.png') });
    for (const [tile, heading] of [
      ['Meters not read', 'Meters'],
      ['missing data', 'Missing data'],
      ['Commands not done', 'Commands'],
      ['Waiting to be adopted', 'Concentrators'],
    ] as const) {
      await page.goto(`${site.url}/#/overview`);
      await page.locator('.tile', { hasText: tile }).click();
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    }
    await page.goto(`${site.url}/#/meters?state=troubled`);
    await page.locator('tbody tr').first().waitFor();
    assert.equal(await page.locator('tbody tr').count(), 3);
    assert.deepEqual(foreign, []);
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('MDM-6 a list of meters is checked in the console, shows what is wrong, and is imported', async () => {
    const { context, page, foreign, complaints } = await enter();
    await page.goto(`${site.url}/#/meters`);
    await page.getByRole('button', { name: 'Import a list' }).click();
    const list = 'meter_id,serial,edge\nnew-1,7001,e9\nnew-2,7002,\n';
    const file = page.getByLabel('List, CSV', { exact: false });
    await file.setInputFiles({ name: 'meters.csv', mimeType: 'text/csv', buffer: Buffer.from(list) });
    await page.getByRole('button', { name: 'Check the list' }).click();
    await page.getByText('2 lines: 1 new, 0 changed, 0 as they were, 1 wrong. Nothing was changed yet.').waitFor();
    await page.getByRole('cell', { name: 'There is no active concentrator e9.' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Import the list' }).isDisabled(), true);
    await page.getByLabel('Take the good lines').check();
    await page.getByRole('button', { name: 'Check the list' }).click();
    await page.getByRole('button', { name: 'Import the good lines' }).click();
    await page.getByText('The list is imported.', { exact: false }).waitFor();
    assert.equal(site.store.meterMap.get('new-2')?.serial, '7002');
    assert.equal(site.store.meterMap.has('new-1'), false);
    assert.deepEqual([foreign, complaints], [[], []]);
    await context.close();
  });

  test('PROV-4 a meter that was found on a line is accepted with one click, another one is refused', async () => {
    const found = (address: number, serial: string) => ({
      findingId: `00000000000000${address}`,
      tenantId: DEFAULT_TENANT,
      edgeId: 'found' as never,
      line: 'bus1',
      found: { address, state: 'found' as const, serial, sentence: 'Answers.' },
      foundAtMs: START_MS,
      state: 'waiting' as const,
      sentence: `No list names ${serial}: take it in, or refuse it.`,
    });
    await site.store.saveFindings([found(17, '1017'), found(18, '1018')]);
    const { context, page, foreign, complaints } = await enter();
    await page.goto(`${site.url}/#/edges`);
    await page.getByRole('heading', { name: 'Found on lines: 2 meters waiting' }).waitFor();
    await page.getByRole('button', { name: 'Accept 1017' }).click();
    await page.getByRole('heading', { name: 'Found on lines: 1 meter waiting' }).waitFor();
    assert.equal(site.store.meterMap.get('1017')?.address, 17);
    await page.getByRole('button', { name: 'Refuse 1018' }).click();
    await page.getByRole('button', { name: 'Refuse 1018' }).waitFor({ state: 'detached' });
    assert.equal((await site.store.finding('0000000000000018'))?.state, 'refused');
    assert.deepEqual([foreign, complaints], [[], []]);
    await context.close();
  });

  test('IT-23 the page of a meter draws its use with its gaps, and has the same as a table', async () => {
    const { context, page, foreign, complaints } = await enter();
    await page.goto(`${site.url}/#/meters/${SHOWN}`);
    const chart = page.getByRole('img', {
      name: /Energy from the grid of Harbour Street 13\. .* in 24 hours\. 8 intervals missing\./,
    });
    await chart.locator('canvas').waitFor();
    const drawn = await page.evaluate<number>(IN_PAGE.painted);
    assert.ok(drawn > 0.1, `${drawn} of the canvas is painted`);
    await page.getByText('Missing in the meter').first().waitFor();
    await page.screenshot({ path: join(ROOT, 'reports', 'town-meter.png') });
    await page.getByText('The same as a table').click();
    const first = await page
      .getByRole('region', { name: 'Readings as a table' })
      .locator('tbody tr')
      .first()
      .textContent();
    const [last, previous] = site.store.rows
      .filter((row) => row.meterId === SHOWN && row.obis === '1-0:1.8.0*255')
      .slice(-2)
      .reverse();
    assert.ok(last && previous);
    assert.equal(first, `1 Mar 2026, 14:00${last.value} Wh${Number(last.value) - Number(previous.value)} Whgood`);
    for (const range of ['7 days', '14 days']) {
      await page.getByRole('button', { name: range }).click();
      await page
        .getByRole('img', { name: new RegExp(`in ${range}`) })
        .locator('canvas')
        .waitFor();
    }
    await page.getByRole('combobox', { name: 'What is shown' }).selectOption({ label: 'Voltage, phase 1' });
    await page
      .getByRole('img', { name: /^Voltage, phase 1/ })
      .locator('canvas')
      .waitFor();
    assert.deepEqual([foreign, complaints], [[], []]);
    await context.close();
  });

  test('IT-3 a command shows its states as they happen; cutting a supply asks for the meter number', async () => {
    const { context, page, complaints } = await enter();
    await page.goto(`${site.url}/#/meters/${SHOWN}`);
    await page.getByRole('button', { name: 'Read now' }).click();
    const item = page.locator('[data-command]').first();
    await item.getByText('On its way').waitFor();
    const id = (await item.getAttribute('data-command')) ?? '';
    const value = {
      classId: 3,
      obis: '1-0:1.8.0*255',
      attribute: 2,
      result: 0,
      value: 2n ** 63n,
      exponent: 0,
      unit: 'Wh',
      raw: new Uint8Array(),
    };
    await site.store.report({
      id: id as never,
      meterId: SHOWN,
      state: 'done',
      code: '',
      sentence: 'The meter answered in 0.8 s.',
      atMs: START_MS,
      values: [value],
    });
    await item.getByText('The meter answered in 0.8 s.').waitFor();
    await item.getByText('9 223 372 036 854 775.808 kWh').waitFor();
    const count = site.sent.length;
    await page.getByRole('button', { name: 'Disconnect…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cut the supply?' });
    const yes = dialog.getByRole('button', { name: 'Disconnect' });
    assert.equal(await yes.isDisabled(), true);
    await dialog.getByRole('textbox').fill('48215008');
    await page.keyboard.press('Enter');
    assert.equal(await yes.isDisabled(), true);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(site.sent.length, count, 'nothing was sent');
    await page.getByRole('button', { name: 'Disconnect…' }).click();
    await dialog.getByRole('textbox').fill(SHOWN);
    await yes.click();
    const cut = page.locator('[data-command]', { hasText: 'Disconnect the supply' });
    await cut.getByText('On its way').waitFor();
    const cutId = (await cut.getAttribute('data-command')) ?? '';
    const relay = { outputOn: false, controlState: 2 };
    await site.store.report({
      id: cutId as never,
      meterId: SHOWN,
      state: 'done',
      code: '',
      sentence: 'Switched and read back.',
      atMs: START_MS,
      values: [],
      relay,
    });
    await cut.getByText(/ready for reconnection: the load has NO supply/).waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  });

  test('the console follows the wish for dark, can be told otherwise, and is readable in both', async () => {
    const { context, page } = await enter({ colorScheme: 'dark' });
    const theme = () => page.evaluate<string>(IN_PAGE.theme);
    const selectors = [
      'h1',
      '.lead',
      '.tile .figure',
      '.tile .more',
      '.badge',
      '.nav a',
      '.rail-end .live',
      'th',
      '.timeline .muted',
      '.card header a',
    ];
    assert.equal(await theme(), 'dark');
    for (const wanted of ['dark', 'light']) {
      await page.getByText(wanted === 'dark' ? 'Dark' : 'Light', { exact: true }).click();
      assert.equal(await theme(), wanted);
      for (const selector of selectors) {
        const contrast = await contrastOf(page, selector);
        assert.ok(contrast >= 4.5, `${selector} in ${wanted}: ${contrast.toFixed(2)}`);
      }
    }
    await page.reload();
    assert.equal(await theme(), 'light', 'the choice is kept');
    await page.getByText('Dark', { exact: true }).click();
    await page.goto(`${site.url}/#/meters/${SHOWN}`);
    await page
      .getByRole('img', { name: /Energy from/ })
      .locator('canvas')
      .waitFor();
    await page.screenshot({ path: join(ROOT, 'reports', 'console-dark.png') });
    await context.close();
  });

  test('everything can be reached with the keyboard, and one sees where one is', async () => {
    const { context, page } = await enter();
    await page.goto(`${site.url}/#/meters`);
    await page.locator('tbody tr').first().waitFor();
    await page.reload();
    await page.locator('tbody tr').first().waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate<string>(IN_PAGE.focusedText), 'Skip to the page');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate<string>(IN_PAGE.focusedId), 'main');
    await page.keyboard.press('/');
    await page.keyboard.type('4821501');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Meters with “4821501”' }).waitFor();
    await page.locator('tbody tr').nth(9).waitFor();
    const row = page.locator('tbody tr[tabindex="0"]');
    assert.equal(await row.count(), 1, 'one row of the table takes part in the tab order');
    await row.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    const outline = await page.evaluate<string>(IN_PAGE.focusedOutline);
    assert.equal(outline, 'solid');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Baker Row 21' }).waitFor();
    await context.close();
  });

  test('PROV-4 a concentrator of the inbox is adopted with one click, and its enrolment is shown once', async () => {
    const { context, page } = await enter();
    await page.goto(`${site.url}/#/edges`);
    await page.getByRole('button', { name: 'Adopt station-1' }).click();
    await page.getByText('"password": "told-once"').waitFor();
    await page.getByRole('button', { name: 'Adopt station-1' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'I have it' }).click();
    assert.equal(await page.getByText('told-once').count(), 0);
    await context.close();
  });

  test('PROV-4 a meter that was heard is placed with the keyboard alone, and what is known of it is kept', async () => {
    const { context, page, complaints } = await enter();
    await page.goto(`${site.url}/#/edges`);
    const open = page.getByRole('button', { name: /^Place \d+…$/ }).first();
    const meterId = /\d+/.exec((await open.textContent()) ?? '')?.[0] ?? '';
    await open.focus();
    assert.equal(await page.evaluate<string>(IN_PAGE.focusedAtOnce), 'Name or address, if wanted');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await open.focus();
    await page.keyboard.press('Enter');
    const form = page.getByRole('region', { name: 'Place a meter' });
    assert.equal(await form.getByLabel('Meter number').inputValue(), meterId);
    assert.equal(await form.getByRole('checkbox').isChecked(), true);
    await page.keyboard.type('Quay 7, cellar');
    await page.keyboard.press('Tab');
    await page.keyboard.type('generic/gas');
    const saved: unknown[] = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') saved.push([request.method(), request.postDataJSON()]);
    });
    await page.keyboard.press('Enter');
    await page
      .getByRole('status')
      .getByText(/is now read by/)
      .waitFor();
    const [first, second] = saved as [string, Record<string, unknown>][];
    assert.deepEqual(first, ['PUT', { name: 'Quay 7, cellar', profile: 'generic/gas' }]);
    assert.deepEqual([second?.[0], second?.[1]['from']], ['POST', 0]);
    const stored = await site.store.meter(meterId as never);
    assert.deepEqual([stored?.name, stored?.edgeId], ['Quay 7, cellar', second?.[1]['edgeId']]);
    // That the meter was not known is asked for first; Chromium complains of the 404.
    assert.deepEqual(
      complaints.filter((text) => !text.includes('404')),
      [],
    );
    await context.close();
  });

  test('a narrow screen has no sideways scrolling', async () => {
    const { context, page } = await enter({ viewport: { width: 390, height: 844 } });
    for (const route of ['overview', 'meters', 'gaps', 'commands', 'edges', `meters/${SHOWN}`]) {
      await page.goto(`${site.url}/#/${route}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      const overhang = await page.evaluate<number>(IN_PAGE.overhangPx);
      await page.screenshot({ path: join(ROOT, 'reports', 'console-narrow.png') });
      assert.ok(overhang <= 0, `${route}: ${overhang} px too wide: ${await page.evaluate<string>(IN_PAGE.widest)}`);
    }

    await context.close();
  });

  test('UD-36 a fresh collector is set up with its one-time code, and a wrong token is told in a sentence', async () => {
    const fresh = await collector();
    const context = await browser.newContext();
    const { page } = await watched(context, fresh.url);
    const offered = await fresh.auth.newSetupCode();
    await page.goto(fresh.url);
    await page.getByRole('heading', { name: 'Set up this collector' }).waitFor();
    await page.getByLabel('Set-up code').fill('WRONG');
    await page.getByLabel('Your name').fill('Ada');
    await page.getByRole('button', { name: 'Become its administrator' }).click();
    await page
      .getByRole('alert')
      .getByText(/code is wrong/)
      .waitFor();
    await page.getByLabel('Set-up code').fill(offered?.code ?? '');
    await page.keyboard.press('Enter');
    const text = await page.locator('pre').textContent();
    await page.getByRole('button', { name: 'I have it, go on' }).click();
    await page.getByText('things need you').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Your token').fill('dw_wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page
      .getByRole('alert')
      .getByText(/unknown, revoked or expired/)
      .waitFor();
    await page.getByLabel('Your token').fill(text ?? '');
    await page.keyboard.press('Enter');
    await page.getByText('things need you').waitFor();
    await context.close();
    await fresh.close();
  });

  test('a collector that goes away is said so, and what was shown stays', async () => {
    const other = await collector();
    const own = (await other.auth.issue({ name: 'x', role: 'viewer', tenantId: DEFAULT_TENANT }, 'test')).text;
    const context = await browser.newContext();
    const { page } = await watched(context, other.url);
    await page.goto(`${other.url}/#/enter?token=${own}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await other.close();
    await page.getByText('Not connected, trying again').waitFor();
    await page.getByText('6 things need you').waitFor();
    await context.close();
  });
}
