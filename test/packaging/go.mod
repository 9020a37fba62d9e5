module alicdn_export_exporter/test/packaging

go 1.26.7

replace alicdn_export_exporter => ../../
