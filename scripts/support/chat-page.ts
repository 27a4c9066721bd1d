/** The page of people as programs drive it: by roles and names, as a screen reader finds them. English only. */
import type { Page } from 'playwright-core';

export async function logInOn(page: Page, user: string, password: string): Promise<void> {
  await page.getByLabel('Name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Conversations' }).waitFor();
}

/** `name`: a person, or `#` and a group's name. */
export async function openConversation(page: Page, name: string): Promise<void> {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill(name);
  await page.getByRole('option', { name }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.locator('#composer').waitFor();
}
