/** What a person chose: the system's theme, or one of the two. static/theme.js applies it before the first paint. */
export type ThemeChoice = 'system' | 'light' | 'dark';
export type Density = 'normal' | 'compact';

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** The look as it is chosen and stored in this browser. */
export const look = $state({
  theme: (localStorage.getItem('theme') ?? 'system') as ThemeChoice,
  density: (localStorage.getItem('density') ?? 'normal') as Density,
});

export function chooseTheme(theme: ThemeChoice): void {
  look.theme = theme;
  localStorage.setItem('theme', theme);
  apply();
}

export function chooseDensity(density: Density): void {
  look.density = density;
  localStorage.setItem('density', density);
  apply();
}

function apply() {
  const dark = look.theme === 'dark' || (look.theme === 'system' && systemIsDark.matches);
  const root = document.documentElement;
  root.dataset['theme'] = dark ? 'dark' : 'light';
  root.style.colorScheme = dark ? 'dark' : 'light';
  if (look.density === 'compact') root.dataset['density'] = 'compact';
  else delete root.dataset['density'];
}

systemIsDark.addEventListener('change', apply);
