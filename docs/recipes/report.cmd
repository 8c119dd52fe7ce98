@echo off
rem Bring in what lies in exports\, then make the reports of a period: docs\recipes\report.cmd [PERIOD]
cd /d "%~dp0..\.."
set PERIOD=%1
if "%PERIOD%"=="" set PERIOD=last-week
for /d %%L in (exports\*) do for /d %%K in (%%L\*) do for %%F in (%%K\*) do (
  .venv\Scripts\csnb import "%%F" --platform %%~nxL --kind %%~nxK --into data\books\shop || exit /b 2
)
.venv\Scripts\csnb report --book data\books\shop --period %PERIOD% --lang zh,en --keep 8
exit /b %ERRORLEVEL%
