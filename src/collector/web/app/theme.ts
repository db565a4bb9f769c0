/** Light or dark: the system's wish, unless the operator chose. Loaded before the first paint. */

/** What can be chosen. */
export type Theme = 'system' | 'light' | 'dark';

const KEY = 'deltawatt.theme';

/** The operator's choice. */
export function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Whether the page is dark now. */
export function isDark(): boolean {
  const theme = chosenTheme();
  return theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}

/** Keeps the choice and shows it. */
export function chooseTheme(theme: Theme): void {
  if (theme === 'system') localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  showTheme();
  dispatchEvent(new Event('deltawatt-theme'));
}

function showTheme(): void {
  document.documentElement.dataset['theme'] = isDark() ? 'dark' : 'light';
}

showTheme();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  showTheme();
  dispatchEvent(new Event('deltawatt-theme'));
});
