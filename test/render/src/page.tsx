import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import type { EmbeddedScene } from '@grafana/scenes';
import { Icon, useStyles2 } from '@grafana/ui';
import type { Dashboard } from './dashboard';

/** The dashboard, below a header like Grafana's. */
export function Page({ dashboard, scene }: { dashboard: Dashboard; scene: EmbeddedScene }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.page}>
      <div className={styles.header}>
        <Icon name="apps" />
        <span>Dashboards</span>
        <Icon name="angle-right" />
        <strong>{dashboard.title}</strong>
        <span className={styles.tags}>{dashboard.tags.join(' · ')}</span>
      </div>
      <div className={styles.body} id="dashboard">
        <scene.Component model={scene} />
      </div>
    </div>
  );
}

const getStyles = ({ colors }: GrafanaTheme2) => ({
  page: css({ background: colors.background.canvas, minHeight: '100vh', color: colors.text.primary }),
  header: css({
    display: 'flex',
    alignItems: 'center',
    gap: 8,
    height: 40,
    padding: '0 16px',
    background: colors.background.primary,
    borderBottom: `1px solid ${colors.border.weak}`,
    fontSize: 14,
  }),
  tags: css({ color: colors.text.secondary, fontSize: 12, marginLeft: 8 }),
  body: css({ padding: 16, display: 'flex', flexDirection: 'column' }),
});
